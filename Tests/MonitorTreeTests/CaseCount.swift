import Glibc
import Synchronization

/// How many cases of a kind the tests of the tree have tried; one line of all kinds is printed when they end.
final class CaseCount: Sendable {
  /// Changes made and compared with the model.
  static let operations = CaseCount("operations")
  /// States between a writer's stores, and look-ups during a publication.
  static let interleavings = CaseCount("interleavings")
  /// Nodes damaged.
  static let corruptions = CaseCount("corruptions")

  private let name: String
  private let count = Atomic(0)

  private static let printed: Void = {
    atexit {
      let counts = [operations, interleavings, corruptions].map {
        "\($0.count.load(ordering: .relaxed)) \($0.name)"
      }
      print("monitor tree: \(counts.joined(separator: ", ")) tried")
    }
  }()

  private init(_ name: String) { self.name = name }

  func add(_ cases: Int) {
    _ = Self.printed
    count.wrappingAdd(cases, ordering: .relaxed)
  }
}
