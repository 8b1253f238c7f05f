import Foundation
import Measuring
import Recordings

/// P15: a recording as comma-separated values, and read back.
enum TextRatios {
  private static let path = "traces/quick.trace"
  private static let rounds = 5

  static func verdicts(_ wanted: (String) -> Bool) throws -> [Verdict] {
    guard wanted("P15") else { return [] }
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("ratios-\(getpid())", isDirectory: true)
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let (text, copy) = (
      folder.appendingPathComponent("text.csv").path, folder.appendingPathComponent("copy.trace").path
    )
    let writes = Double(try RecordingReader(path: path).header.totals.writes)
    var written: [Double] = []
    var read: [Double] = []
    var bare: [Double] = []
    var lines = 0
    try CSVExport.write(RecordingReader(path: path), to: text)
    for round in 0...rounds {
      let start = processNanoseconds()
      try CSVExport.write(RecordingReader(path: path), to: "/dev/null")
      let middle = processNanoseconds()
      lines = try imported(text, to: copy)
      let end = processNanoseconds()
      let copied = copyBytes(of: text)
      precondition(copied > 0, "an empty export")
      // The first round warms caches and page tables.
      guard round > 0 else { continue }
      written.append(writes / (middle - start) * 1e3)
      read.append(Double(lines) / (end - middle) * 1e3)
      bare.append(writes / (processNanoseconds() - end) * 1e3)
    }
    let (out, back, limit) = (Median(written), Median(read), Median(bare))
    return [
      Verdict(
        target: "P15", figure: 15 / out.value, limit: 1,
        explanation: """
          15 M writes/s over \(out.text(1)) M writes/s: \(path) as csv, to nowhere, in processor time; as many bytes read out of a \
          file alone make \(limit.text(0)) M writes/s
          """),
      Verdict(
        target: "P15", figure: 10 / back.value, limit: 1,
        explanation:
          "10 M lines/s over \(back.text(1)) M lines/s: that csv as a recording again, at zstd level 3 as gi-bench does; \(lines) lines"
      ),
    ]
  }

  private static func imported(_ text: String, to path: String) throws -> Int {
    let source = try TextImport(.csv, InputStream(path: text))
    let writer = try RecordingWriter(
      path: path, description: source.description(title: "copy"), options: .init(columns: source.columns, level: 3))
    return try source.convert(into: writer).lines
  }

  /// Reads a file through, as whoever touches every byte of a text must.
  private static func copyBytes(of source: String) -> Int {
    let input = open(source, O_RDONLY)
    defer { close(input) }
    let piece = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 19, alignment: 4096)
    defer { piece.deallocate() }
    var total = 0
    while case let count = Glibc.read(input, piece.baseAddress, piece.count), count > 0 {
      total += count
    }
    return total
  }

  /// Nanoseconds that this process has run, on any processor.
  private static func processNanoseconds() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
    return Double(time.tv_sec) * 1e9 + Double(time.tv_nsec)
  }
}
