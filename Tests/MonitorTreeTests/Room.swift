import Testing
@testable import MonitorTree
