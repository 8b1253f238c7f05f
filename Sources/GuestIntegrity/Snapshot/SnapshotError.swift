/// Why bytes are not a snapshot that can be used.
public enum SnapshotError: Error, Hashable, Sendable, CustomStringConvertible {
  /// They do not begin as a snapshot does.
  case notASnapshot
  /// They are of a version of the format that is not known here.
  case otherVersion(UInt32)
  /// There are more or fewer than the snapshot says.
  case otherLength(found: Int, expected: UInt64)
  /// They are not the bytes that were written: their digest differs.
  case damaged
  /// A field holds what no hypervisor writes there.
  case invalid(field: String, offset: Int)

  /// One sentence: where, what was found, what was expected, what to do.
  public var description: String {
    switch self {
    case .notASnapshot: "byte 0: no snapshot of a hypervisor; give the bytes that one was saved as"
    case .otherVersion(let version):
      "byte 8: version \(version), expected \(Snapshot.version); save the snapshot with the release that restores it"
    case .otherLength(let found, let expected): "\(found) bytes, expected \(expected); transfer the snapshot again"
    case .damaged: "the digest of the bytes is not the one at their end; transfer the snapshot again"
    case .invalid(let field, let offset):
      "byte \(offset): \(field) is not one that a hypervisor saves; save the snapshot again"
    }
  }
}
