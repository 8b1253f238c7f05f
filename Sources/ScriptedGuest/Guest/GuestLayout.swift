import Addresses

/// Where everything lies in the scripted guest: 64 MiB of memory, a kernel, a driver, malware, and a user program.
package enum GuestLayout {
  /// Bytes of guest memory.
  package static let ramBytes: UInt64 = 64 << 20

  /// Code of the GI driver.
  package static let code = pages(0x800, 1)
  /// Data of the GI driver: page 0 its own, 1...6 private page tables, 7 private interrupt table, 8 and 9 stacks.
  package static let data = pages(0x801, 10)
  /// Pages the driver donates to the tree.
  package static let nodes = pages(0x810, 64)
  /// Kernel text.
  package static let text = pages(0x1000, 0x200)
  /// Kernel read-only data.
  package static let rodata = pages(0x1200, 16)
  /// The system-call table, in read-only data.
  package static let syscalls = pages(0x1204, 1)
  /// The kernel's interrupt-descriptor table.
  package static let interruptTable = pages(0x1210, 1)
  /// Kernel data nobody protects, stacks first.
  package static let kernelData = pages(0x1300, 16)
  /// The guest's page tables.
  package static let pageTables = pages(0x2000, 32)
  /// Kernel-mode malware: a page of code and pages to play with.
  package static let malware = pages(0x3000, 16)
  /// A user program.
  package static let user = pages(0x3100, 1)

  /// Where the guest's direct map of all memory starts.
  package static let directMap: UInt64 = 0xffff_8880_0000_0000
  /// Where the kernel image is mapped: text at its guest-physical address above this.
  package static let kernelMap: UInt64 = 0xffff_ffff_8000_0000
  /// Where modules are mapped: page 0x800 + n of guest memory at this + n pages.
  package static let moduleMap: UInt64 = 0xffff_ffff_c000_0000
  /// Where the user program is mapped.
  package static let userMap: UInt64 = 0x40_0000
  /// Where malware's code is mapped.
  package static let malwareMap: UInt64 = moduleMap + 0x10_0000

  /// The registered entry, in GI code.
  package static let entry = GuestLinearAddress(moduleMap + 0x100)
  /// The registered exit, in GI code.
  package static let exit = GuestLinearAddress(moduleMap + 0x200)
  /// Where the driver's other hypercalls and stores lie.
  package static let driverBody = GuestLinearAddress(moduleMap + 0x300)
  /// Where malware runs.
  package static let malwareBody = GuestLinearAddress(malwareMap + 0x40)
  /// Where the kernel runs.
  package static let kernelBody = GuestLinearAddress(kernelMap + text.first.address.rawValue + 0x40)
  /// Where the user program runs.
  package static let userBody = GuestLinearAddress(userMap + 0x40)

  /// A guest-physical address in the direct map.
  package static func direct(_ address: GuestPhysicalAddress) -> GuestLinearAddress {
    GuestLinearAddress(directMap + address.rawValue)
  }

  /// A byte of GI data, where the driver has it mapped.
  package static func driverData(page: UInt64, offset: UInt64) -> GuestLinearAddress {
    GuestLinearAddress(moduleMap + (1 + page) << 12 + offset)
  }

  /// CR3 of the driver's private page tables.
  static let driverTables = (data.first.rawValue + 1) << 12

  /// Where the driver's stack of a vCPU starts.
  static func driverStack(of vcpu: Int) -> UInt64 {
    driverData(page: 9, offset: 0xff8).rawValue - UInt64(vcpu) << 12
  }

  private static func pages(_ first: UInt64, _ count: UInt64) -> PageRange {
    PageRange(first: GuestPageNumber(first), count: count) ?? PageRange(page: GuestPageNumber(first))
  }
}
