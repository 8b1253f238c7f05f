#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// An output that appears under its name when it is whole, and leaves nothing if it never is, however the program ends: until
/// then it has no name, where the file system can do that.
///
/// What is there and no ordinary file, a device or a pipe, is written in place.
package final class WholeFile {
  private let target: OutputTarget
  private let file: OutputFile
  /// The name it has before its own, once it has one.
  private var temporary: String?

  /// Begins a file; what stands there stays until ``finish()``.
  package init(_ target: OutputTarget) throws(RecordingError) {
    self.target = target
    if target.isInPlace {
      file = try OutputFile(inPlace: target.path)
      return
    }
    let mode: mode_t = target.replaced == nil ? 0o666 : 0o600
    if let unnamed = OutputFile(unnamedIn: target.folder, named: target.path, mode: mode) {
      file = unnamed
    } else {
      let (named, name) = try OutputFile.temporary(in: target.folder, for: target.path)
      file = named
      temporary = name
    }
    file.take(over: target.replaced)
  }

  deinit { if let temporary { unlink(temporary) } }

  /// Appends bytes.
  package func write(_ bytes: UnsafeRawBufferPointer) throws(RecordingError) { try file.write(bytes) }

  /// Writes a whole text, or throws and leaves what was there.
  package static func write(_ text: String, to target: OutputTarget) throws(RecordingError) {
    let file = try WholeFile(target)
    var error: RecordingError?
    Array(text.utf8).withUnsafeBytes { bytes in
      do throws(RecordingError) { try file.write(bytes) } catch let failure { error = failure }
    }
    if let error { throw error }
    try file.finish()
  }

  /// Puts the file in its place; nothing that can be held up by a signal comes between its two names.
  package func finish() throws(RecordingError) {
    guard !target.isInPlace else { return }
    try file.synchronise()
    var (all, before) = (sigset_t(), sigset_t())
    sigfillset(&all)
    pthread_sigmask(SIG_BLOCK, &all, &before)
    defer { pthread_sigmask(SIG_SETMASK, &before, nil) }
    if temporary == nil { temporary = file.linked(in: target.folder) }
    guard let temporary, rename(temporary, target.canonicalPath) == 0 else {
      throw OutputFile.error(target.path, doing: "put in place", remedy: "name a file in a folder you may write to")
    }
    self.temporary = nil
  }
}
