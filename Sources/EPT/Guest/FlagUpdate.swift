import Addresses

/// A guest entry whose accessed or dirty flag must be set before the access completes.
@frozen
@usableFromInline
struct FlagUpdate {
  /// The entry's guest-physical address.
  @usableFromInline let gpa: GuestPhysicalAddress
  /// Where it lies, or the aligned word that holds one of 4 bytes.
  @usableFromInline let hpa: HostPhysicalAddress
  /// What that word held when it was read.
  @usableFromInline let value: UInt64
  /// The flags that it must have.
  @usableFromInline let wanted: UInt64
  /// How EPT translated its address.
  @usableFromInline let walk: EPTWalk

  @inlinable
  init(gpa: GuestPhysicalAddress, hpa: HostPhysicalAddress, value: UInt64, wanted: UInt64, walk: EPTWalk) {
    self.gpa = gpa
    self.hpa = hpa
    self.value = value
    self.wanted = wanted
    self.walk = walk
  }

  @inlinable
  init() {
    self.init(
      gpa: GuestPhysicalAddress(0), hpa: HostPhysicalAddress(0), value: 0, wanted: 0,
      walk: .identity(GuestPhysicalAddress(0)))
  }
}

/// The flag updates that one walk of the guest's tables left to do: at most five, top down.
@frozen
@usableFromInline
struct FlagUpdates {
  @usableFromInline var items: InlineArray<5, FlagUpdate> = .init(repeating: FlagUpdate())
  @usableFromInline var count = 0

  @inlinable init() {}

  @inlinable
  mutating func append(_ update: FlagUpdate) {
    items[min(count, 4)] = update
    count &+= 1
  }
}

/// What became of the updates.
@frozen
@usableFromInline
enum FlagUpdateEnd {
  case done
  case changed
  case refused(TranslationOutcome)
}
