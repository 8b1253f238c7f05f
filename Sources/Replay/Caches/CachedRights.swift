/// What cached translations do not permit: a load caches one that may permit no store, since EPT or the guest refuses it, or since
/// its dirty flag is clear, so that a store must walk and set it (SDM vol. 3C, "Accessed and Dirty Flags for EPT").
///
/// What it says of a key counts while the key is cached; whoever caches it says it anew.
struct CachedRights {
  private var denied: [UInt32: Denied] = [:]

  /// Kinds of access.
  struct Denied: OptionSet {
    let rawValue: UInt8
    static let stores = Self(rawValue: 1)
    static let fetches = Self(rawValue: 2)
  }

  /// A translation has been cached that denies these.
  mutating func note(_ key: UInt32, denies: Denied) { denied[key] = denies.isEmpty ? nil : denies }

  /// Whether a cached translation permits such an access.
  func permits(_ kind: RecordedAccessKind, _ key: UInt32) -> Bool {
    guard !denied.isEmpty, let denied = denied[key] else { return true }
    switch kind {
    case .store: return !denied.contains(.stores)
    case .load: return true
    case .fetch: return !denied.contains(.fetches)
    }
  }
}
