import Addresses
import EPT
import EPTTables

/// Why a guest page was not unmapped or moved; everything is as it was.
public enum MappingError: Error, Hashable, Sendable {
  /// The page does not lie in guest memory.
  case outsideGuestMemory(GuestPageNumber)
  /// The page is monitored: moving it away would move what is monitored away.
  case monitored(GuestPageNumber, PageKind)
  /// The page is not mapped, and so cannot be moved.
  case notMapped(GuestPageNumber)
  /// The page is mapped already.
  case mapped(GuestPageNumber)
  /// No page is left for EPT paging structures, or to move to.
  case outOfPages
}

extension Hypervisor {
  /// Takes a page of guest memory away from the guest (ballooning, on whoever's request).
  ///
  /// A monitored page stays, and the attempt is an alert.
  public func unmap(_ page: GuestPageNumber, on vcpu: Int, time: UInt64 = 0) throws(MappingError) {
    try checkUnmonitored(page, on: vcpu, time: time)
    guard let frame = monitor.tracing.tables.frame(of: page) else { throw .notMapped(page) }
    do throws(TableError) {
      try settling(from: vcpu) { (debt: inout InvalidationDebt) throws(TableError) in
        try monitor.tracing.tables.unmap(page, owing: &debt)
        try openView?.unmap(page, owing: &debt)
      }
    } catch { throw .outOfPages }
    if spareFrames.contains(frame) { spareFrames.release(frame) }
  }

  /// Gives a page that was unmapped back to the guest, zeroed.
  public func map(_ page: GuestPageNumber, on vcpu: Int) throws(MappingError) {
    guard page.rawValue < UInt64(monitor.memory.pageCount) else { throw .outsideGuestMemory(page) }
    guard monitor.tracing.tables.frame(of: page) == nil else { throw .mapped(page) }
    let frame = HostPhysicalAddress(page.rawValue << 12)
    memory.fill(frame, with: 0)
    try map(page, to: frame, on: vcpu)
  }

  /// Moves a page of guest memory to another frame with what it holds, or back; the guest notices nothing.
  ///
  /// Protected pages may be moved: their traces stay. GI pages and the tree's stay where the tree is read.
  public func move(_ page: GuestPageNumber, on vcpu: Int) throws(MappingError) {
    guard page.rawValue < UInt64(monitor.memory.pageCount) else { throw .outsideGuestMemory(page) }
    guard !monitor.tracing.clients(of: page).contains(.ownPages), monitor.registration?.code.contains(page) != true
    else {
      throw .monitored(page, monitor.status(of: page).kind ?? .giCode)
    }
    guard let frame = monitor.tracing.tables.frame(of: page) else { throw .notMapped(page) }
    let home = HostPhysicalAddress(page.rawValue << 12)
    guard let target = frame == home ? spareFrames.take() : home else { throw .outOfPages }
    for word in 0..<512 { memory.store(memory.load(frame.qword(word)), at: target.qword(word)) }
    do throws(MappingError) { try map(page, to: target, on: vcpu) } catch {
      if target != home { spareFrames.release(target) }
      throw error
    }
    if frame != home { spareFrames.release(frame) }
  }

  /// Moves pages back to where the tree is read; none of them may be unmapped.
  func bringHome(_ range: PageRange, on vcpu: Int) throws(HypercallError) {
    let pages = (range.first.rawValue...range.last.rawValue).lazy.map { GuestPageNumber($0) }
    guard pages.allSatisfy({ frame(of: $0) != nil }) else { throw .outsideGuestMemory }
    for page in pages where frame(of: page) != HostPhysicalAddress(page.address.rawValue) {
      do throws(MappingError) { try move(page, on: vcpu) } catch { throw .outOfTablePages }
    }
  }

  private func map(_ page: GuestPageNumber, to frame: HostPhysicalAddress, on vcpu: Int) throws(MappingError) {
    do throws(TableError) {
      try settling(from: vcpu) { (debt: inout InvalidationDebt) throws(TableError) in
        try monitor.tracing.tables.map(page, to: frame, owing: &debt)
        try openView?.map(page, to: frame, owing: &debt)
      }
    } catch { throw .outOfPages }
  }

  private func checkUnmonitored(_ page: GuestPageNumber, on vcpu: Int, time: UInt64) throws(MappingError) {
    guard monitor.vcpus.indices.contains(vcpu), page.rawValue < UInt64(monitor.memory.pageCount) else {
      throw .outsideGuestMemory(page)
    }
    let status = monitor.status(of: page)
    // Whatever guest integrity traces stays, also where the tree cannot be read.
    guard status.kind != nil || !monitor.tracing.clients(of: page).isDisjoint(with: .guestIntegrity) else { return }
    monitor.raise(
      .mapping, on: vcpu, actions: configuration.mappingActions, address: page.address, time: time)
    throw .monitored(page, status.kind ?? .protected)
  }
}

extension Hypervisor {
  /// The host page that a page of guest memory is mapped to; nil if it is not mapped.
  public func frame(of page: GuestPageNumber) -> HostPhysicalAddress? { monitor.tracing.tables.frame(of: page) }
}
