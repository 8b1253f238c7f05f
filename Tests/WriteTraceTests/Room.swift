import Testing
@testable import WriteTrace
