import Addresses
import EPT
import MonitorTree

@testable import GuestIntegrity

/// What the processor makes of a page in one set, found by walking its tables.
struct PageView: Equatable {
  var frame: UInt64
  var rights: Rights

  init?(_ page: GuestPageNumber, in set: TableSet, of fixture: Fixture) {
    guard case .translated(let found) = fixture.walk(page.address, .dataRead, in: set) else {
      return nil
    }
    frame = found.hpa.rawValue >> 12
    rights = found.rights.intersection([.read, .write, .execute])
  }

  /// Pages whose views are not what the tree and the registered ranges call for: worked out from them alone, page by page.
  static func differences(in fixture: Fixture) -> [String] {
    let hypervisor = fixture.hypervisor
    let registration = hypervisor.registration
    let strips =
      hypervisor.configuration.switching.usesTwoSets && hypervisor.configuration.integrityExecution == .giCodeOnly
    return (0..<Fixture.ramPages).compactMap { number in
      let page = GuestPageNumber(number)
      let normal = PageView(page, in: .normal, of: fixture)
      let integrity = PageView(page, in: .integrity, of: fixture)
      guard normal != nil || integrity != nil else { return nil }
      guard let normal, let integrity else { return "page \(number) is mapped in one set only" }
      guard normal.frame == integrity.frame else { return "page \(number) leads to two frames" }
      let isCode = registration?.code.contains(page) == true
      let isOwn = registration?.ownPages.contains { $0.contains(page) } == true
      var isClaimed = false
      if case .protected = hypervisor.tree.find(page).answer { isClaimed = true }
      // Toggled write bits are open for every vCPU while any is in integrity mode.
      let isOpen =
        hypervisor.configuration.switching == .toggleWriteBits
        && (0..<hypervisor.vcpuCount).contains { hypervisor.mode(of: $0) == .integrity }
      let mayWrite: Rights = isCode || isOwn && !isOpen || isClaimed ? [] : .write
      let mayWriteInIntegrity: Rights =
        isOwn && hypervisor.configuration.switching.usesTwoSets ? .write : mayWrite
      let mayExecute: Rights = strips && !isCode ? [] : .execute
      let expected = (
        Rights([.read, .execute]).union(mayWrite), Rights.read.union(mayWriteInIntegrity).union(mayExecute)
      )
      guard (normal.rights, integrity.rights) == expected else {
        return "page \(number): \(normal.rights) and \(integrity.rights), not \(expected)"
      }
      return nil
    }
  }
}
