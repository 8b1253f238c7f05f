import Testing
@testable import EPT
