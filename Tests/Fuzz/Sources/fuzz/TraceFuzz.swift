import Foundation

@testable import Recordings

/// Traces whose columns and block headers were changed, every checksum put right again.
struct TraceFuzz: FuzzTarget {
  private let sound: TraceImage
  private let file = InputFile("trace")
  /// Used again for every input, as a replay does for every block.
  private let block = RecordingBlock()

  init() {
    do {
      let folder = Folder()
      let path = folder.file("sound.trace")
      try Sample.write(
        Sample.mixed(40, seed: 1), to: path, options: .init(columns: .all, level: 1))
      sound = try TraceImage(of: path)
    } catch { fatalError("no trace to start from: \(error)") }
  }

  var seeds: [[UInt8]] {
    (UInt8(0)..<16).flatMap { place in
      [[place, 0, 4, 1, 2, 3, 4], [place, 3, 1, 0xff], [place, 7, 0xff], [place | 0x80, 0, 1, 0, 0, 0]]
    }
      + [UInt8(8), 9].flatMap { column in
        // The numbers of entries and of listed bytes, a run, a place and a clock of loads and of fetches.
        [0, 8, 16, 24, 31, 40, 60].map { [column, $0, 2, 0xff, 0xff] }
      }
  }

  func read(_ input: UnsafeRawBufferPointer) {
    var image = sound
    var numbers = InputNumbers(input)
    while !numbers.isEmpty { edit(&image, &numbers) }
    file.put(image.bytes)
    TraceReading.all(file.path, block)
  }

  private func edit(_ image: inout TraceImage, _ numbers: inout InputNumbers) {
    let place = Int(numbers.next(UInt8.self))
    let number = place >> 4 & 7 % max(1, image.blocks.count)
    guard image.blocks.indices.contains(number) else { return }
    if place & 0x80 != 0 {
      // Counts that a block may have, but no column bears out, take memory to refuse: most are small.
      let value = Int(numbers.next(UInt32.self) & (place & 8 == 0 ? 0xffff : .max))
      switch place & 7 {
      case 0: image.blocks[number].header.runs = value
      case 1: image.blocks[number].header.accesses = value
      case 2: image.blocks[number].header.writes = value
      case 3: image.blocks[number].header.events = value
      case 4: image.blocks[number].header.firstWrite = UInt64(value)
      case 5: image.blocks[number].header.firstRun = UInt64(value) << 31
      case 6: image.blocks[number].header.clocks[0] = UInt64(value) << 31
      default: image.blocks[number].header.firstEvent = UInt64(value)
      }
      return
    }
    let column = place & 15
    guard image.blocks[number].columns.indices.contains(column) else { return }
    let offset = numbers.below(max(1, image.blocks[number].columns[column].count))
    let count = Int(numbers.next(UInt8.self))
    if count == 255 {
      image.blocks[number].columns[column] = Array(image.blocks[number].columns[column].prefix(offset))
      return
    }
    for (index, byte) in numbers.bytes(count).enumerated() {
      if offset + index < image.blocks[number].columns[column].count {
        image.blocks[number].columns[column][offset + index] = byte
      } else {
        image.blocks[number].columns[column].append(byte)
      }
    }
  }
}

/// Trace files of any bytes.
struct FileFuzz: FuzzTarget {
  private let sound: [UInt8]
  private let file = InputFile("file")
  private let block = RecordingBlock()

  init() {
    do {
      let folder = Folder()
      try Sample.write(Sample.mixed(16, seed: 2), to: folder.file("t"), options: .init(columns: .all, level: 1))
      sound = [UInt8](try Data(contentsOf: URL(filePath: folder.file("t"))))
    } catch { fatalError("no trace to start from: \(error)") }
  }

  var seeds: [[UInt8]] { [[], sound, Array(sound.prefix(300)), Array(sound.dropLast(30))] }

  func read(_ input: UnsafeRawBufferPointer) {
    file.put(input)
    TraceReading.all(file.path, block)
    TraceReading.all(file.path, block, salvage: true)
  }
}

/// Headers of any JSON before sound blocks.
struct HeaderFuzz: FuzzTarget {
  private let sound: TraceImage
  private let file = InputFile("header")
  private let out = InputFile("header-out")
  private let block = RecordingBlock()

  init() {
    do {
      let folder = Folder()
      var description = Sample.description()
      description.marks = [.init(id: 3, name: "m")]
      description.workload = "w"
      description.replicate = 2
      description.instructionsPerSecond = 3_000_000_000
      description.cut = .init(from: "m", to: nil, digest: "d", firstClocks: [1, 2])
      description.regions = [.init(id: 1, name: "r", gpa: 0x2000, bytes: 64)]
      description.symbols = [.init(name: "s", gpa: 0x2000, size: 64)]
      description.groundTruth = [
        .init(attack: "A", act: "x", kind: .write, mark: "m", gpa: 0x2000, bytes: 8, expected: "r")
      ]
      let writer = try RecordingWriter(path: folder.file("t"), description: description, options: Sample.small)
      for index in 0..<20 as Range<UInt64> {
        try writer.write(
          vcpu: Int(index % 2), count: index + 1, gpa: .init(0x1ff8 + 8 * index), gva: .init(0x1ff8 + 8 * index),
          size: 8)
        try writer.accesses(.init(kind: .load, vcpu: 0, count: index + 1, page: .init(2), accesses: 3))
        if index == 5 { try writer.event(.mark(.init(vcpu: 0, count: 6, id: 3, rip: .init(0)))) }
      }
      _ = try writer.finish()
      sound = try TraceImage(of: folder.file("t"))
    } catch { fatalError("no trace to start from: \(error)") }
  }

  var seeds: [[UInt8]] { [sound.json, Array("{}".utf8)] }

  func read(_ input: UnsafeRawBufferPointer) {
    var image = sound
    image.json = Array(input)
    file.put(image.bytes)
    TraceReading.all(file.path, block)
    do {
      let reader = try RecordingReader(path: file.path)
      _ = try RecordingCheck.findings(in: reader)
      _ = try RecordingStatistics(reader, slices: 3, hottest: 3)
      try PerfettoExport.write(reader, to: out.path, slices: 3)
    } catch { precondition(error is RecordingError, "\(error)") }
  }
}

enum TraceReading {
  /// Opens, decodes every column, looks at every access; errors are sentences.
  static func all(_ path: String, _ block: RecordingBlock, salvage: Bool = false) {
    do {
      let reader = try RecordingReader(path: path, salvage: salvage)
      let totals = reader.header.totals
      let pages = PageSelection()
      for number in reader.blocks.indices {
        try reader.read(block: number, columns: .runs, into: block)
        for run in block.runs.indices.reversed() {
          for place in try block.accesses(ofRun: run, among: pages) { precondition(place.offset + place.size <= 4096) }
        }
        try reader.read(block: number, columns: reader.header.columnSet, into: block)
        for run in block.runs.indices {
          precondition(block.runs[run].page.rawValue < totals.pageLimit && block.runs[run].vcpu < totals.vcpus)
          for place in try block.accesses(ofRun: run) { precondition(place.offset + place.size <= 4096) }
        }
        for entry in [block.loads, block.fetches].joined() {
          precondition(entry.run.page.rawValue < totals.pageLimit && entry.run.vcpu < totals.vcpus)
          precondition(entry.beforeRun <= block.runs.count && entry.beforeEvent <= block.events.count)
        }
        for event in block.events { precondition(event.run <= block.runs.count && event.event.vcpu < totals.vcpus) }
      }
    } catch let error as RecordingError {
      precondition(!error.description.contains("\n"), error.description)
    } catch { fatalError("\(type(of: error)) came from reading a trace: \(error)") }
  }
}
