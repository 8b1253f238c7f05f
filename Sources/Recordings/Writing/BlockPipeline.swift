import Foundation

/// Compresses filled blocks on other threads, and appends them to the block file in their order.
///
/// The threads are its own: a pool shared with a caller that waits could be full of such callers. They start with the
/// blocks, and a recording of one block, which is done when its last record is, takes none.
/// The producer waits only when all drafts are filled and none is encoded yet: memory stays bounded by the number of drafts.
final class BlockPipeline: Sendable {
  private struct State {
    var free: [BlockDraft] = []
    /// Drafts that exist, wherever they are.
    var made = 0
    var filled: [BlockDraft] = []
    var waiting: [Int: EncodedBlock] = [:]
    var written: [BlockHeader] = []
    var failure: RecordingError?
    /// Threads that run.
    var started = 0
    var isClosed = false

    mutating func takeFilled() -> BlockDraft? { filled.isEmpty ? nil : filled.removeFirst() }
  }

  private let state = Monitor(State())
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
  }

  private func startThread() {
    Thread.detachNewThread { [self] in
      let compressor = ZstandardCompressor(level: level)
      while let draft = state.when({ !$0.filled.isEmpty || $0.isClosed }, { $0.takeFilled() }) {
        encode(draft, with: compressor)
      }
    }
  }

  /// Lets the threads end when they have encoded what is filled; nothing can be submitted after that.
  func close() {
    state.with { $0.isClosed = true }
  }

  /// An empty draft; waits until there is one.
  func next() -> BlockDraft {
    let free = state.when({ [drafts] in !$0.free.isEmpty || $0.made < drafts }) { state -> BlockDraft? in
      if state.free.isEmpty { state.made += 1 }
      return state.free.popLast()
    }
    return free ?? make()
  }

  /// Takes a filled draft back, maybe the last one; throws what went wrong with an earlier one.
  func submit(_ draft: BlockDraft, isLast: Bool) throws(RecordingError) {
    let (failure, needsThread) = state.with { state in
      let needsThread = state.started < (isLast && state.started == 0 ? 0 : workers)
      if needsThread { state.started += 1 }
      state.filled.append(draft)
      return (state.failure, needsThread)
    }
    if needsThread { startThread() }
    if let failure { throw failure }
  }

  /// Takes an unused draft back.
  func giveBack(_ draft: BlockDraft) {
    draft.removeAll()
    state.with { $0.free.append(draft) }
  }

  /// Waits for all blocks; their headers in order.
  func finish() throws(RecordingError) -> [BlockHeader] {
    if let draft = state.with({ $0.started == 0 ? $0.takeFilled() : nil }) {
      encode(draft, with: ZstandardCompressor(level: level))
    }
    let (failure, written) = state.when({ $0.free.count == $0.made }) { ($0.failure, $0.written) }
    if let failure { throw failure }
    return written
  }

  private func encode(_ draft: BlockDraft, with compressor: ZstandardCompressor) {
    let block = draft.encode(with: compressor)
    draft.removeAll()
    state.with { state in
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
  }
}
