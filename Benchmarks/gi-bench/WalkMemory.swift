import Addresses
import EPT
import Foundation
import Recordings

/// The memory that `gi-bench walk` is given: images and single words.
struct WalkMemory {
  /// `FILE` or `FILE@ADDR`, each.
  let images: [String]
  let entries: [WalkEntry]

  /// The largest image that is read, in bytes.
  private static let imageLimit = 1 << 34

  /// A script session over this memory, after setting lines were served.
  func session(settings: [String]) throws -> WalkScript {
    let files = try images.map(mapped)
    defer { for file in files { munmap(file.bytes.baseAddress, file.bytes.count) } }
    let pages = files.reduce(0) { $0 + $1.bytes.count / 4096 + 2 }
    let memory = SparseMemory(pageLimit: pages + entries.count + (1 << 18))
    var session = WalkScript(memory: memory)
    for line in settings { try set(line, &session) }
    try check(files.map(\.image), on: session.machine.capabilities.physicalAddressWidth)
    for file in files {
      guard memory.copy(UnsafeRawBufferPointer(file.bytes), to: HostPhysicalAddress(file.image.address)) else {
        throw Failure("\(file.image.name): more memory than is kept; give a smaller image")
      }
    }
    for entry in entries { memory.store(entry.value, at: HostPhysicalAddress(entry.address)) }
    return session
  }

  private func set(_ line: String, _ session: inout WalkScript) throws {
    var answer = ScriptAnswer()
    Array((line + "\n").utf8).withUnsafeBytes { session.feed($0, &answer) }
    guard session.failures == 0, answer.bytes.isEmpty else {
      let said = String(decoding: answer.bytes, as: UTF8.self).split(separator: ": ", maxSplits: 1).last ?? "an answer"
      throw Failure(.usage, "--set '\(line)': \(said); give a setting line such as 'cap adv=0'")
    }
  }

  private func check(_ images: [MemoryImage], on width: PhysicalAddressWidth) throws {
    var words: [UInt64: UInt64] = [:]
    for entry in entries {
      let text = "--entry " + hex(entry.address)
      let image = MemoryImage(name: text, address: entry.address, byteCount: 8)
      if let fault = MemoryImage.faults(of: [image], on: width).first { throw Failure(fault) }
      guard words.updateValue(entry.value, forKey: entry.address) == nil else {
        throw Failure("\(text): overlaps another --entry of the same address; give each word once")
      }
    }
    if let fault = MemoryImage.faults(of: images, on: width).first { throw Failure(fault) }
  }

  /// An image file in memory, and where it belongs.
  private func mapped(_ argument: String) throws -> (image: MemoryImage, bytes: UnsafeMutableRawBufferPointer) {
    var (path, address) = (argument, UInt64(0))
    if let at = argument.lastIndex(of: "@"), let number = WalkNumber(argument: String(argument[at...].dropFirst())) {
      path = String(argument[..<at])
      address = number.value
    }
    let bytes = try InputFile.map(path, atMost: Self.imageLimit, expecting: "a raw memory image")
    return (MemoryImage(name: path, address: address, byteCount: UInt64(bytes.count)), bytes)
  }
}

extension InputFile {
  /// Reads a file, or the standard input, piece by piece as it arrives.
  static func forEachPiece(
    of path: String, expecting what: String, _ body: (UnsafeRawBufferPointer) throws -> Void
  ) throws {
    let descriptor = try opened(path, expecting: what)
    defer { close(descriptor) }
    guard !InputStream.isEndless(descriptor) else {
      throw Failure("\(path): a device without an end, expected \(what); give a file or a stream")
    }
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 16, alignment: 16)
    defer { buffer.deallocate() }
    while true {
      let count = Glibc.read(descriptor, buffer.baseAddress, buffer.count)
      if count < 0, errno == EINTR { continue }
      guard count >= 0 else { throw unreadable(path, expecting: what) }
      if count == 0 { return }
      try body(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
    }
  }

  /// Maps a regular file of 1...`limit` bytes; the caller unmaps it.
  static func map(_ path: String, atMost limit: Int, expecting what: String) throws -> UnsafeMutableRawBufferPointer {
    let descriptor = try opened(path, expecting: what)
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { throw unreadable(path, expecting: what) }
    guard status.st_mode & S_IFMT == S_IFREG, status.st_size > 0 else {
      throw Failure("\(path): no regular file with content, expected \(what); give another file")
    }
    guard status.st_size <= limit else {
      throw Failure("\(path): more than \(limit >> 20) MiB, expected \(what); give another file")
    }
    let base = mmap(nil, Int(status.st_size), PROT_READ, MAP_PRIVATE, descriptor, 0)
    guard let base, base != MAP_FAILED else { throw unreadable(path, expecting: what) }
    return UnsafeMutableRawBufferPointer(start: base, count: Int(status.st_size))
  }

  private static func opened(_ path: String, expecting what: String) throws -> Int32 {
    let descriptor = path == standardInput ? dup(0) : open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw unreadable(path, expecting: what) }
    do {
      try refuseDirectory(descriptor, path, expecting: what)
    } catch {
      close(descriptor)
      throw error
    }
    return descriptor
  }
}
