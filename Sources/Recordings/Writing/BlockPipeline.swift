import Dispatch
import Foundation
import Synchronization

/// Compresses filled blocks on other threads, and appends them to the block file in their order.
///
/// The threads are its own: a pool shared with a caller that waits could be full of such callers. They start with the
/// blocks, and a recording of one block, which is done when its last record is, takes none.
/// The producer waits only when all drafts are filled and none is encoded yet: memory stays bounded by the number of drafts.
final class BlockPipeline: Sendable {
  private struct State {
    var free: [BlockDraft] = []
    var filled: [BlockDraft] = []
    var waiting: [Int: EncodedBlock] = [:]
    var written: [BlockHeader] = []
    var failure: RecordingError?
    /// Threads that run.
    var started = 0
  }

  private let state = Mutex(State())
  /// Counts the drafts that are free, or not made yet.
  private let available = DispatchSemaphore(value: 0)
  /// Counts the drafts that are filled, and at the end one for each worker.
  private let work = DispatchSemaphore(value: 0)
  private let drafts: Int
  private let workers: Int
  private let level: Int
  private let file: OutputFile
  private let make: @Sendable () -> BlockDraft

  /// A pipeline of `drafts` blocks that writes into `file`, and compresses in `workers` threads.
  init(drafts: Int, workers: Int, level: Int, file: OutputFile, make: @escaping @Sendable () -> BlockDraft) {
    self.drafts = drafts
    self.workers = workers
    self.level = level
    self.file = file
    self.make = make
    for _ in 0..<drafts { available.signal() }
  }

  private func startThread() {
    Thread.detachNewThread { [self] in
      let compressor = ZstandardCompressor(level: level)
      while true {
        work.wait()
        guard let draft = takeFilled() else { return }
        encode(draft, with: compressor)
      }
    }
  }

  private func takeFilled() -> BlockDraft? {
    state.withLock { $0.filled.isEmpty ? nil : $0.filled.removeFirst() }
  }

  /// Lets the threads end when they have encoded what is filled; nothing can be submitted after that.
  func close() {
    for _ in 0..<workers { work.signal() }
  }

  /// An empty draft; waits until there is one.
  func next() -> BlockDraft {
    available.wait()
    return state.withLock { $0.free.popLast() } ?? make()
  }

  /// Takes a filled draft back, maybe the last one; throws what went wrong with an earlier one.
  func submit(_ draft: BlockDraft, isLast: Bool) throws(RecordingError) {
    let (failure, needsThread) = state.withLock { state in
      let needsThread = state.started < (isLast && state.started == 0 ? 0 : workers)
      if needsThread { state.started += 1 }
      state.filled.append(draft)
      return (state.failure, needsThread)
    }
    if needsThread { startThread() }
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
    if state.withLock({ $0.started }) == 0, let draft = takeFilled() {
      encode(draft, with: ZstandardCompressor(level: level))
    }
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
