/// What the kernel module has told by the kernel's log.
package enum ModuleLog {
  private static let prefix = "gi_calibration: "

  /// The report in records of `/dev/kmsg` (Linux, Documentation/ABI/testing/dev-kmsg): numbers, a semicolon, the text;
  /// lines that begin with a space belong to the record before them. Others' records may lie between ours.
  ///
  /// Throws ``CalibrationError``.
  package static func report(in records: String) throws -> ProgramReport {
    let texts = records.split(separator: "\n").compactMap { record -> Substring? in
      guard !record.hasPrefix(" "), let semicolon = record.firstIndex(of: ";") else { return nil }
      let text = record[record.index(after: semicolon)...]
      return text.hasPrefix(prefix) ? text.dropFirst(prefix.count) : nil
    }
    guard let begin = texts.lastIndex(of: "begin") else {
      throw CalibrationError("the kernel's log has no line of the module; expected one, see `dmesg`")
    }
    let lines = texts[(begin + 1)...]
    if let error = lines.first(where: { $0.hasPrefix("error ") }) {
      throw CalibrationError(String(error.dropFirst("error ".count)))
    }
    return try ProgramReport(output: Array((lines.joined(separator: "\n") + "\n").utf8), of: "the kernel module")
  }
}
