import Addresses
import EPT
import GuestIntegrity

/// A machine of scripted vCPUs: a guest with page tables, a kernel, a GI driver and malware, under a hypervisor.
///
/// The guest runs no code of its own: a script says what each instruction does, and the machine does it as the processor
/// would: it fetches at RIP, translates through guest paging and EPT, exits where it must, and completes what the
/// hypervisor lets be completed.
package final class GuestMachine {
  /// The hypervisor, which owns the processors.
  package let hypervisor: Hypervisor<MachineProcessors>
  private let owner: HostMemory
  let memory: FlatMemory
  /// Accesses that a stale cached translation let through, or led elsewhere, and the invalidation that was owed.
  ///
  /// One that merely refused what the tables allow by now is harmless, and owed nobody anything: the violation itself
  /// drops it, and the access is made again.
  package internal(set) var staleTranslations: [StaleTranslation] = []
  /// Counts up by one an instruction, on all vCPUs together.
  package internal(set) var time: UInt64 = 0

  /// Boots the guest under a hypervisor: memory is filled, page tables are built, every vCPU runs kernel code.
  ///
  /// - Parameter cache: what each vCPU's translation caches keep; by default everything the architecture lets them.
  package convenience init(
    _ configuration: Configuration, vcpus: Int = 2, cache: Policies.Cache = .maximal
  ) throws(HypervisorError) {
    let registers = (0..<max(vcpus, 0)).map { GuestMachine.kernelRegisters(of: $0) }
    try self.init(configuration, registers: registers, cache: cache)
    fillMemory()
    buildKernelPageTables()
    buildDriverPageTables()
    configureProcessors()
  }

  /// A machine with empty memory.
  init(
    _ configuration: Configuration, registers: [GuestRegisters], cache: Policies.Cache
  ) throws(HypervisorError) {
    let needed = Hypervisor<MachineProcessors>.hostBytes(ramBytes: GuestLayout.ramBytes) + 16 << 12
    guard let owner = HostMemory(byteCount: needed) else { throw .hostMemorySize(found: 0, needed: needed) }
    self.owner = owner
    memory = owner.memory
    hypervisor = try Hypervisor(
      memory: owner, ramBytes: GuestLayout.ramBytes, vcpus: registers.count, configuration: configuration,
      processors: MachineProcessors(memory: memory, registers: registers, cache: cache))
  }

  /// Sets what the VMCS and CR3 of each vCPU say.
  func configureProcessors() {
    for vcpu in 0..<hypervisor.vcpuCount {
      hypervisor.configure(&hypervisor.processors.machines[vcpu], for: vcpu)
      hypervisor.processors.machines[vcpu].guest.cr3 = registers(of: vcpu).cr3
    }
  }

  /// The registers of a vCPU.
  package func registers(of vcpu: Int) -> GuestRegisters { hypervisor.processors.registers[vcpu] }

  /// Changes registers, as an instruction or a script would.
  package func setRegisters(of vcpu: Int, _ change: (inout GuestRegisters) -> Void) {
    change(&hypervisor.processors.registers[vcpu])
  }

  func tick() { time += 1 }

  private static func kernelRegisters(of vcpu: Int) -> GuestRegisters {
    let stack = GuestLayout.kernelData.first.address.rawValue + UInt64(vcpu + 1) << 12
    return GuestRegisters(
      rip: GuestLayout.kernelBody, rsp: GuestLayout.kernelMap + stack - 64,
      cr3: GuestLayout.pageTables.first.address.rawValue,
      idtBase: GuestLayout.kernelMap + GuestLayout.interruptTable.first.address.rawValue, idtLimit: 0xfff)
  }
}

// MARK: - Physical memory as the guest sees it, past any rights

extension GuestMachine {
  /// The qword at a guest-physical address.
  package func word(at address: GuestPhysicalAddress) -> UInt64 {
    hostAddress(of: address).map { memory.load($0) } ?? 0
  }

  /// Changes a qword past page tables and EPT, as nothing in the guest can.
  package func poke(_ value: UInt64, at address: GuestPhysicalAddress) { setWord(value, at: address) }

  func setWord(_ value: UInt64, at address: GuestPhysicalAddress) {
    if let host = hostAddress(of: address) { memory.store(value, at: host) }
  }

  func byte(at address: GuestPhysicalAddress) -> UInt8 {
    hostAddress(of: address).map { memory.base.load(fromByteOffset: Int($0.rawValue), as: UInt8.self) } ?? 0
  }

  func setByte(_ value: UInt8, at address: GuestPhysicalAddress) {
    if let host = hostAddress(of: address) {
      memory.base.storeBytes(of: value, toByteOffset: Int(host.rawValue), as: UInt8.self)
    }
  }

  private func hostAddress(of address: GuestPhysicalAddress) -> HostPhysicalAddress? {
    hypervisor.frame(of: address.page).map { HostPhysicalAddress($0.rawValue + address.pageOffset) }
  }

  /// Where guest paging leads, rights and flags left aside: what a hypervisor finds out by reading the guest's tables.
  package func guestTranslation(of linear: GuestLinearAddress, cr3: UInt64) -> GuestPhysicalAddress? {
    var table = cr3 & EPTEntry.addressMask
    var level = Level.pml4e
    while true {
      let entry = GuestEntry(word(at: GuestPhysicalAddress(table | level.index(of: linear.rawValue) << 3)))
      guard entry.rawValue & GuestEntry.presentBit != 0 else { return nil }
      guard !entry.mapsPage(at: level), let below = level.below else {
        let page = entry.rawValue & EPTEntry.addressMask & ~level.offsetMask
        return GuestPhysicalAddress(page | linear.rawValue & level.offsetMask)
      }
      table = entry.rawValue & EPTEntry.addressMask
      level = below
    }
  }
}

// MARK: - Boot

extension GuestMachine {
  /// Kernel text, tables and malware hold bytes that a script can recognise; the driver describes its private context.
  private func fillMemory() {
    for range in [GuestLayout.text, GuestLayout.rodata, GuestLayout.malware, GuestLayout.user, GuestLayout.code] {
      for page in range.first.rawValue...range.last.rawValue {
        for word in UInt64(0)..<8 {
          setWord(page << 16 | word, at: GuestPhysicalAddress(page << 12 + word * 64))
        }
      }
    }
    for vector in UInt64(0)..<256 {
      // Every gate leads to kernel text; only the offset matters here.
      let handler = GuestLayout.kernelBody.rawValue + 0x1000 + vector * 16
      let gate = GuestLayout.interruptTable.first.address.rawValue + vector * 16
      setWord(handler & 0xffff | 0x10 << 16 | 0x8e00 << 32 | (handler >> 16 & 0xffff) << 48, at: .init(gate))
      setWord(handler >> 32, at: .init(gate + 8))
    }
    let data = GuestLayout.data.first
    let context = PrivateContext(
      cr3: GuestLayout.driverTables, idtBase: GuestLayout.driverData(page: 7, offset: 0).rawValue, idtLimit: 0xfff,
      stackTop: GuestLayout.driverStack(of: 0), stackBytes: 0x1000)
    for (index, word) in context.words.enumerated() {
      setWord(word, at: GuestPhysicalAddress(data.address.rawValue + UInt64(index) * 8))
    }
  }

  private func tables(on pages: PageRange, flagsSet: Bool) -> GuestPageTables {
    GuestPageTables(
      on: pages, flagsSet: flagsSet, load: { self.word(at: $0) }, store: { self.setWord($0, at: $1) })
  }

  private func buildKernelPageTables() {
    var tables = tables(on: GuestLayout.pageTables, flagsSet: true)
    for offset in stride(from: UInt64(0), to: GuestLayout.ramBytes, by: 2 << 20) {
      tables.mapLarge(GuestLayout.directMap + offset, to: GuestPhysicalAddress(offset), [.write, .noExecute])
      tables.mapLarge(GuestLayout.kernelMap + offset, to: GuestPhysicalAddress(offset), [.write])
    }
    mapDriver(in: &tables)
    for (index, page) in GuestLayout.malware.pages.enumerated() {
      tables.map(GuestLayout.malwareMap + UInt64(index) << 12, to: page, [.write])
    }
    tables.map(GuestLayout.userMap, to: GuestLayout.user.first, [.write, .user])
  }

  private func buildDriverPageTables() {
    guard let pages = PageRange(first: GuestPageNumber(GuestLayout.data.first.rawValue + 1), count: 6) else { return }
    var tables = tables(on: pages, flagsSet: true)
    mapDriver(in: &tables)
    for offset in stride(from: UInt64(0), to: GuestLayout.ramBytes, by: 2 << 20) {
      tables.mapLarge(GuestLayout.directMap + offset, to: GuestPhysicalAddress(offset), [.write, .noExecute])
    }
  }

  /// GI code, executable and not writable, and GI data behind it.
  private func mapDriver(in tables: inout GuestPageTables) {
    tables.map(GuestLayout.moduleMap, to: GuestLayout.code.first, [])
    for (index, page) in GuestLayout.data.pages.enumerated() {
      tables.map(GuestLayout.moduleMap + UInt64(index + 1) << 12, to: page, [.write, .noExecute])
    }
  }
}

extension PageRange {
  /// The pages of the run.
  var pages: LazyMapSequence<ClosedRange<UInt64>, GuestPageNumber> {
    (first.rawValue...last.rawValue).lazy.map { GuestPageNumber($0) }
  }
}
