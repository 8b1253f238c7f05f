import Glibc
import Synchronization
import Testing

/// A requirement of the design, by its number; how many of them ran is printed when the tests end.
struct Requirement: TestTrait, TestScoping {
  let number: Int

  /// Every requirement there is.
  static let all = Set(1...14).union(20...38)
  private static let ran = Mutex<Set<Int>>([])
  private static let reportAtExit: Void = {
    atexit { Requirement.report() }
  }()

  func provideScope(
    for test: Test, testCase: Test.Case?, performing function: @Sendable () async throws -> Void
  ) async throws {
    Self.reportAtExit
    precondition(Self.all.contains(number), "there is no requirement R\(number)")
    Self.ran.withLock { _ = $0.insert(number) }
    try await function()
  }

  static func report() {
    let ran = Self.ran.withLock { $0 }
    let missing = all.subtracting(ran).sorted().map { "R\($0)" }
    print("requirements R1-R14, R20-R38: \(ran.count) of \(all.count) ran\(missing.isEmpty ? "" : ", not \(missing)")")
  }
}

extension Trait where Self == Requirement {
  static func requirement(_ number: Int) -> Self { Requirement(number: number) }
}
