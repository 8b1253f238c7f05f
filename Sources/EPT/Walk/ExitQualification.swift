/// The exit qualification of an EPT violation, a page-modification log-full event or an SPP-related event.
///
/// Source: SDM vol. 3C, "Basic VM-Exit Information", table "Exit Qualification for EPT Violations". Bits that the manual leaves undefined
/// are 0 here.
@frozen
public struct ExitQualification: OptionSet, Hashable, Sendable {
  /// The 64 bits.
  public let rawValue: UInt64
  /// A qualification from its bits.
  @inlinable public init(rawValue: UInt64) { self.rawValue = rawValue }
  /// A qualification from its bits.
  @inlinable public init(_ rawValue: UInt64) { self.rawValue = rawValue }

  /// Bit 0: the access was a data read.
  @inlinable public static var dataRead: ExitQualification { ExitQualification(1 << 0) }
  /// Bit 1: the access was a data write.
  @inlinable public static var dataWrite: ExitQualification { ExitQualification(1 << 1) }
  /// Bit 2: the access was an instruction fetch.
  @inlinable public static var fetch: ExitQualification { ExitQualification(1 << 2) }
  /// Bit 3: the guest-physical address was readable.
  @inlinable public static var readable: ExitQualification { ExitQualification(1 << 3) }
  /// Bit 4: the guest-physical address was writable.
  @inlinable public static var writable: ExitQualification { ExitQualification(1 << 4) }
  /// Bit 5: the guest-physical address was executable; by mode, for supervisor-mode linear addresses.
  @inlinable public static var executable: ExitQualification { ExitQualification(1 << 5) }
  /// Bit 6: with mode-based execute control, the address was executable for user-mode linear addresses.
  @inlinable public static var userExecutable: ExitQualification { ExitQualification(1 << 6) }
  /// Bit 7: the guest-linear-address field is valid.
  @inlinable public static var linearAddressValid: ExitQualification { ExitQualification(1 << 7) }
  /// Bit 8: the access was to the translation of the linear address, not to a guest paging-structure entry.
  @inlinable public static var finalTranslation: ExitQualification { ExitQualification(1 << 8) }
  /// Bit 9: the linear address is a user-mode one.
  @inlinable public static var userLinearAddress: ExitQualification { ExitQualification(1 << 9) }
  /// Bit 10: guest paging makes the linear address writable.
  @inlinable public static var guestWritable: ExitQualification { ExitQualification(1 << 10) }
  /// Bit 11: guest paging makes the linear address execute-disable. (For an SPP-related event: SPP miss.)
  @inlinable public static var guestExecuteDisable: ExitQualification { ExitQualification(1 << 11) }
  /// Bit 12: NMI unblocking due to IRET.
  @inlinable public static var nmiUnblocking: ExitQualification { ExitQualification(1 << 12) }
  /// Bit 13: the access was a shadow-stack access.
  @inlinable public static var shadowStack: ExitQualification { ExitQualification(1 << 13) }
  /// Bit 14: the leaf is marked as a supervisor shadow-stack page.
  @inlinable public static var supervisorShadowStackPage: ExitQualification { ExitQualification(1 << 14) }
  /// Bit 15: the violation is due to guest-paging verification.
  @inlinable public static var guestPagingVerification: ExitQualification { ExitQualification(1 << 15) }
  /// Bit 16: the access was asynchronous to instruction execution.
  @inlinable public static var asynchronous: ExitQualification { ExitQualification(1 << 16) }

  /// Bit 11 of the qualification of an SPP-related event: 1 for an SPP miss, 0 for an SPP misconfiguration.
  @inlinable public static var subPageMiss: ExitQualification { ExitQualification(1 << 11) }

  /// Number, and meaning when set and when clear, of each bit of an EPT violation's qualification.
  package static let meanings: [(bit: Int, set: String, clear: String)] = [
    (0, "the access was a data read", "not a data read"),
    (1, "the access was a data write", "not a data write"),
    (2, "the access was an instruction fetch", "not an instruction fetch"),
    (3, "the guest-physical address was readable", "the guest-physical address was not readable"),
    (4, "the guest-physical address was writable", "the guest-physical address was not writable"),
    (5, "the guest-physical address was executable", "the guest-physical address was not executable"),
    (6, "it was executable for user-mode linear addresses", "not executable for user-mode addresses, or undefined"),
    (7, "the guest-linear address is valid", "there is no guest-linear address"),
    (8, "the access was to the final translation", "the access was to a guest paging-structure entry, or undefined"),
    (9, "the linear address is user-mode", "the linear address is supervisor-mode, or undefined"),
    (10, "guest paging allows writes", "guest paging is read-only, or undefined"),
    (11, "guest paging disables execution", "guest paging allows execution, or undefined"),
    (12, "an IRET had unblocked NMIs", "no NMI unblocking by IRET, or undefined"),
    (13, "a shadow-stack access", "not a shadow-stack access"),
    (14, "the leaf marks a supervisor shadow-stack page", "no supervisor shadow-stack page, or undefined"),
    (15, "the violation is due to guest-paging verification", "not due to guest-paging verification"),
    (16, "asynchronous to instruction execution", "not asynchronous"),
  ]

  /// Each bit on which two qualifications differ, in words: for tests and comparisons.
  package func differences(from other: ExitQualification) -> [String] {
    (0..<64).compactMap { bit in
      let mask = UInt64(1) << UInt64(bit)
      guard (rawValue ^ other.rawValue) & mask != 0 else { return nil }
      let name = Self.meanings.first { $0.bit == bit }?.set ?? "undefined"
      return "bit \(bit) (\(name)): \(rawValue & mask != 0 ? 1 : 0) against \(other.rawValue & mask != 0 ? 1 : 0)"
    }
  }
}
