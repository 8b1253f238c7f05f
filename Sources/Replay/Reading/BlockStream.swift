import Dispatch
import Recordings

/// Hands out the blocks of a trace, decoded, one after the other; on a second thread the next one is decoded while one is
/// being used.
///
/// Two buffers at most, however long the trace. What is handed out does not depend on the threads.
final class BlockStream {
  private let reader: RecordingReader
  private let columns: RecordingColumns
  private let queue: DispatchQueue?
  private var buffers: [RecordingBlock]
  private var next = 0
  private var ahead: Decoding?

  /// A decoding under way on the queue.
  private final class Decoding: Sendable {
    private let result = Monitor<Result<Void, RecordingError>?>(nil)

    init(
      _ number: Int, of reader: RecordingReader, _ columns: RecordingColumns, into buffer: RecordingBlock,
      on queue: DispatchQueue
    ) {
      queue.async { [self] in
        let outcome = Result { () throws(RecordingError) in
          try reader.read(block: number, columns: columns, into: buffer)
        }
        result.with { $0 = outcome }
      }
    }

    func wait() throws(RecordingError) {
      if case .failure(let error) = result.when({ $0 != nil }, { $0 }) { throw error }
    }
  }

  /// A stream from the first block on; with one thread each block is decoded when it is asked for.
  init(_ reader: RecordingReader, columns: RecordingColumns, threads: Int) {
    self.reader = reader
    self.columns = columns
    queue = threads > 1 ? DispatchQueue(label: "decoding", qos: .userInitiated) : nil
    buffers = (0..<(threads > 1 ? 2 : 1)).map { _ in RecordingBlock() }
    decodeAhead()
  }

  deinit { try? ahead?.wait() }

  /// The next block and what its header says, valid until the one after is asked for; nil after the last.
  func nextBlock() throws(RecordingError) -> (block: RecordingBlock, header: BlockHeader)? {
    guard next < reader.blocks.count else { return nil }
    let buffer = buffers[next % buffers.count]
    if let ahead { try ahead.wait() } else { try reader.read(block: next, columns: columns, into: buffer) }
    let header = reader.blocks[next]
    next += 1
    decodeAhead()
    return (buffer, header)
  }

  private func decodeAhead() {
    guard let queue, next < reader.blocks.count else {
      ahead = nil
      return
    }
    ahead = Decoding(next, of: reader, columns, into: buffers[next % buffers.count], on: queue)
  }
}
