import Addresses
import EPT

/// Has the modelled caches of a vCPU lose what its machine says, by whatever instruction or event.
///
/// A violation's walk is accounted before what it drops goes: ``settle()`` says that it has been.
final class ModelledCache: TranslationCache {
  private let caches: UnsafeMutablePointer<VirtualCPUCaches>
  private let vpid: UInt16
  /// The tag of each table set's hierarchy, by raw value.
  var tags: [EPTRTA] = []
  @exclusivity(unchecked) private var lost = 0
  @exclusivity(unchecked) private var unsettled: [DroppedMappings] = []

  /// The caches of a vCPU with this VPID.
  init(_ caches: UnsafeMutablePointer<VirtualCPUCaches>, vpid: UInt16) {
    self.caches = caches
    self.vpid = vpid
  }

  func drop(_ mappings: DroppedMappings) {
    switch mappings {
    case .physical, .linear, .page: unsettled.append(mappings)
    case .hierarchy(nil): lost += caches.pointee.invalidate(set: nil)
    case .hierarchy(let tag?):
      if let set = set(of: tag) { lost += caches.pointee.invalidate(set: set) }
    case .combined(let contexts, let retainingGlobals):
      guard contexts.vpid == nil || contexts.vpid == vpid else { return }
      lost += caches.pointee.invalidateLinear(retainingGlobals: retainingGlobals)
    case .combinedStructures(let contexts):
      guard contexts.vpid == nil || contexts.vpid == vpid else { return }
      lost += caches.pointee.walk.invalidateCombined()
    }
  }

  /// Drops what a violation has cost. No TLB holds its address under the hierarchy that refused it: the store would have hit,
  /// and only translations that permit a store are cached.
  func settle() {
    for mappings in unsettled {
      switch mappings {
      case .physical(let gpa, let tag):
        if let set = set(of: tag) { caches.pointee.walk.dropPhysical(gpa.page.rawValue, set: set) }
      case .linear(let linear, let contexts), .page(let linear, let contexts, _):
        guard contexts.vpid == nil || contexts.vpid == vpid, let set = contexts.tag.flatMap(set) else { continue }
        caches.pointee.walk.dropCombined(linear.rawValue >> 12 & 0xf_ffff_ffff, set: set)
      case .combined, .combinedStructures, .hierarchy: break
      }
    }
    unsettled.removeAll(keepingCapacity: true)
  }

  /// How many entries went since somebody last asked, by instructions.
  func takeLost() -> Int {
    defer { lost = 0 }
    return lost
  }

  private func set(of tag: EPTRTA) -> UInt32? { tags.firstIndex(of: tag).map(UInt32.init) }
}
