import Dispatch
import Synchronization

/// So many pieces of work, some of them at once.
enum JobPool {
  /// Does `work` for each number below `count`, in order of their beginning, until one fails or nothing more may begin.
  ///
  /// Throws the error of the least number that failed.
  static func run(
    _ count: Int, jobs: Int, while mayBegin: @Sendable () -> Bool = { true }, _ work: @Sendable (Int) throws -> Void
  ) throws {
    let state = Mutex((next: 0, failure: (index: Int, error: any Error)?.none))
    DispatchQueue.concurrentPerform(iterations: max(1, min(jobs, count))) { _ in
      while mayBegin() {
        let index = state.withLock { state in
          defer { state.next += 1 }
          return state.failure == nil && state.next < count ? state.next : nil
        }
        guard let index else { return }
        do { try work(index) } catch {
          state.withLock { state in
            if state.failure.map({ index < $0.index }) ?? true { state.failure = (index, error) }
          }
        }
      }
    }
    if let failure = state.withLock({ $0.failure }) { throw failure.error }
  }
}
