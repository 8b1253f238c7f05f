import Testing
@testable import GuestIntegrity
