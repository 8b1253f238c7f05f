import Dispatch
import Foundation
import Synchronization

/// Compresses filled blocks on other threads, and appends them to the block file in their order.
///
/// The threads are its own: a pool shared with a caller that waits could be full of such callers.
/// The producer waits only when all drafts are filled and none is encoded yet: memory stays bounded by the number of drafts.
final class BlockPipeline: Sendable {
  private struct State {
    var free: [BlockDraft]
    var filled: [BlockDraft] = []
    var waiting: [Int: EncodedBlock] = [:]
    var written: [BlockHeader] = []
    var failure: RecordingError?
  }

  private let state: Mutex<State>
  /// Counts the drafts that are free.
  private let available = DispatchSemaphore(value: 0)
  /// Counts the drafts that are filled, and at the end one for each worker.
  private let work = DispatchSemaphore(value: 0)
  private let drafts: Int
  private let workers: Int
  private let file: OutputFile

  /// A pipeline of `drafts` blocks that writes into `file`, and compresses in `workers` threads.
  init(drafts: Int, workers: Int, level: Int, file: OutputFile, make: () -> BlockDraft) {
    self.drafts = drafts
    self.workers = workers
    self.file = file
    let made = (0..<drafts).map { _ in make() }
    state = Mutex(State(free: made))
    for _ in 0..<drafts { available.signal() }
    for _ in 0..<workers {
      Thread.detachNewThread { [self] in
        let compressor = ZstandardCompressor(level: level)
        while true {
          work.wait()
          guard let draft = state.withLock({ $0.filled.isEmpty ? nil : $0.filled.removeFirst() }) else { return }
          encode(draft, with: compressor)
        }
      }
    }
  }

  /// Lets the threads end when they have encoded what is filled; nothing can be submitted after that.
  func close() {
    for _ in 0..<workers { work.signal() }
  }

  /// An empty draft; waits until there is one.
  func next() -> BlockDraft {
    available.wait()
    return state.withLock { $0.free.removeLast() }
  }

  /// Takes a filled draft back; throws what went wrong with an earlier one.
  func submit(_ draft: BlockDraft) throws(RecordingError) {
    let failure = state.withLock { state in
      state.filled.append(draft)
      return state.failure
    }
    work.signal()
    if let failure { throw failure }
  }

  /// Takes an unused draft back.
  func giveBack(_ draft: BlockDraft) {
    draft.removeAll()
    state.withLock { $0.free.append(draft) }
    available.signal()
  }

  /// Waits for all blocks; their headers in order.
  func finish() throws(RecordingError) -> [BlockHeader] {
    for _ in 0..<drafts { available.wait() }
    for _ in 0..<drafts { available.signal() }
    let (failure, written) = state.withLock { ($0.failure, $0.written) }
    if let failure { throw failure }
    return written
  }

  private func encode(_ draft: BlockDraft, with compressor: ZstandardCompressor) {
    let block = draft.encode(with: compressor)
    draft.removeAll()
    state.withLock { state in
      state.waiting[block.header.number] = block
      while let next = state.waiting.removeValue(forKey: state.written.count), state.failure == nil {
        do throws(RecordingError) {
          for column in next.columns {
            try column.withBytes { bytes throws(RecordingError) in try file.write(bytes) }
          }
          state.written.append(next.header)
        } catch {
          state.failure = error
        }
      }
      state.free.append(draft)
    }
    available.signal()
  }
}
