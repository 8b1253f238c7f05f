import Testing
@testable import gi_bench
