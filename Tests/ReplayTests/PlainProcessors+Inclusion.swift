import Addresses
import EPT
import GuestIntegrity

// If it was asked for, each processor has a shadow with maximal caches, which sees the same accesses and instructions: what a
// finite cache holds, it holds. Shadows neither log nor raise exceptions, and come second, so memory is not changed twice.
extension PlainProcessors {
  /// Has shadows watch from now on.
  mutating func watchInclusion() {
    shadows = machines.map { machine in
      var shadow = machine
      shadow.cache = nil
      shadow.policies.cache = .maximal
      shadow.controls.set(.enablePML, to: false)
      shadow.controls.set(.eptViolationVE, to: false)
      return shadow
    }
  }

  /// Holds a hit against the shadow: of a linear page against its combined mappings, in one dimension against the guest-physical
  /// ones. Where a recording leaves the guest's mapping out, nobody knows what the combined one would be.
  mutating func include(
    _ what: String, _ gpa: GuestPhysicalAddress, _ linear: PlainLinearPage?, isUnmapped: Bool, on vcpu: Int
  ) {
    guard !shadows.isEmpty, linear == nil || !isUnmapped else { return }
    let shadow = shadows[vcpu]
    guard let linear else {
      return note(shadow.caches.hasTranslation(of: gpa, shadow.eptp.tag), "\(what): page \(hex(gpa.rawValue))", vcpu)
    }
    let address = GuestLinearAddress(linear.number << 12)
    note(
      shadow.caches.hasTranslation(of: address, shadow.context), "\(what): linear page \(hex(address.rawValue))", vcpu)
  }

  /// Holds against the shadow where a walk of the EPT starts.
  mutating func includeStart(below level: Level, of gpa: GuestPhysicalAddress, on vcpu: Int) {
    guard !shadows.isEmpty else { return }
    note(
      shadows[vcpu].caches.hasStructure(level, of: gpa, shadows[vcpu].eptp.tag),
      "a walk below the \(level) of \(hex(gpa.rawValue))", vcpu)
  }

  /// Holds against the shadow where a walk of the guest's tables starts.
  mutating func includeStart(below level: Level, of linear: GuestLinearAddress, on vcpu: Int) {
    guard !shadows.isEmpty else { return }
    note(
      shadows[vcpu].caches.hasStructure(level, of: linear, shadows[vcpu].context),
      "a walk below the guest's \(level) of \(hex(linear.rawValue))", vcpu)
  }

  private mutating func note(_ isHeld: Bool, _ what: String, _ vcpu: Int) {
    if isHeld {
      included += 1
    } else if excluded.count < 4 {
      excluded.append("\(what) on vCPU \(vcpu)")
    }
  }

  /// Has the shadow see an access, and hold besides what a walk from the root finds: a processor may always make one, so
  /// a finite cache that has evicted an entry may read again what a maximal one has no need to.
  mutating func shadow(
    _ access: GuestAccess, _ linear: PlainLinearPage?, isHit: Bool, isUnmapped: Bool, on vcpu: Int
  ) {
    guard !shadows.isEmpty else { return }
    var fresh = shadows[vcpu]
    fresh.caches = TranslationCaches(.maximal)
    // Nothing is walked by a linear address before the guest's first root is known, nor where a TLB has what was walked without.
    let linear = caches[vcpu].root == nil || isHit && isUnmapped ? nil : linear
    Self.see(access, linear, isUnmapped: isUnmapped, &shadows[vcpu])
    Self.see(access, linear, isUnmapped: isUnmapped, &fresh)
    shadows[vcpu].caches.formUnion(fresh.caches)
  }

  /// An access by its linear address, and where the guest's tables lead elsewhere, or nowhere, by its guest-physical one.
  private static func see(
    _ access: GuestAccess, _ linear: PlainLinearPage?, isUnmapped: Bool, _ shadow: inout EPTMachine<FlatMemory>
  ) {
    if let linear {
      var path = PlainPath()
      _ = shadow.write(access, to: GuestLinearAddress(linear.number << 12 | access.gpa.pageOffset), &path)
    }
    if isUnmapped { _ = shadow.access(access) }
  }

  /// Switches the shadow as its processor.
  mutating func shadowSwitch(to pointer: EPTPointer, _ set: TableSet, on vcpu: Int, by means: SwitchMeans) {
    guard !shadows.isEmpty else { return }
    switch means {
    case .vmcsWrite: shadows[vcpu].eptp = pointer
    case .vmfunc: _ = shadows[vcpu].vmfunc(eax: 0, ecx: UInt32(set.rawValue))
    }
    if shadows[vcpu].eptp != pointer { excluded.append("a switch to \(set) by \(means) did not happen") }
  }

  /// Has the shadow execute an INVEPT.
  mutating func shadowInvept(_ scope: InvalidationScope, on vcpu: Int) {
    guard !shadows.isEmpty else { return }
    let outcome =
      switch scope {
      case .single(let pointer): shadows[vcpu].invept(type: 1, eptp: pointer)
      case .all: shadows[vcpu].invept(type: 2, eptp: EPTPointer(0))
      }
    if outcome != .success { excluded.append("INVEPT came to \(outcome)") }
  }

  /// Has the shadow invalidate what lay below an entry of the guest's that was replaced: page by page, or all at once where that
  /// is more than 2 MiB, global pages included if they are the kernel's.
  mutating func shadowFlush(_ linear: GuestLinearAddress, below level: Level, ofKernel: Bool, on vcpu: Int) {
    guard !shadows.isEmpty else { return }
    guard level < .pdpte else {
      _ = shadows[vcpu].invvpid(type: ofKernel ? 1 : 3, vpid: UInt64(vcpu + 1), linear: linear)
      return
    }
    let first = linear.rawValue & ~level.offsetMask
    for page in 0..<level.pageCount { shadows[vcpu].invlpg(GuestLinearAddress(first | page << 12)) }
  }
}
