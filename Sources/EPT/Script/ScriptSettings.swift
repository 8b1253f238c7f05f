import Addresses

/// Lines that set what the machine is. Each reads the whole line before anything changes.
extension ScriptLine {
  func capabilities(_ old: Capabilities) throws(ScriptError) -> Capabilities {
    var capabilities = old
    for pair in try pairs(from: 1) {
      switch pair.key {
      case "maxpa":
        guard let bits = pair.number, bits <= 52, let width = PhysicalAddressWidth(Int(bits)) else {
          throw ScriptError("maxpa is '\(pair.text)'; expected 36...52")
        }
        capabilities.physicalAddressWidth = width
      case "xonly": capabilities.set(.executeOnly, to: try pair.flag())
      case "x1g": capabilities.set(.page1G, to: try pair.flag())
      case "x2m": capabilities.set(.page2M, to: try pair.flag())
      case "uc": capabilities.set(.typeUncacheable, to: try pair.flag())
      case "wb": capabilities.set(.typeWriteBack, to: try pair.flag())
      case "ad": capabilities.set(.accessedDirty, to: try pair.flag())
      case "adv": capabilities.set(.advancedExitInformation, to: try pair.flag())
      case "cet": capabilities.set(.supervisorShadowStack, to: try pair.flag())
      case "ve": capabilities.virtualizationExceptions = try pair.flag()
      case "walk5": capabilities.set(.walkLength5, to: try pair.flag())
      case "page1gb": capabilities.guestPage1G = try pair.flag()
      default:
        throw ScriptError(
          "unknown key '\(pair.key)'; expected maxpa, xonly, x1g, x2m, uc, wb, ad, adv, cet, ve, walk5 or page1gb")
      }
    }
    return capabilities
  }

  /// `vpid=0` turns VPIDs off; another value turns them on with that VPID.
  func controls(_ old: Controls, _ oldVPID: UInt16) throws(ScriptError) -> (Controls, UInt16) {
    var (controls, vpid) = (old, oldVPID)
    for pair in try pairs(from: 1) {
      switch pair.key {
      case "ept": controls.set(.enableEPT, to: try pair.flag())
      case "mbec": controls.set(.modeBasedExecute, to: try pair.flag())
      case "spp": controls.set(.subPageWritePermissions, to: try pair.flag())
      case "ve": controls.set(.eptViolationVE, to: try pair.flag())
      case "pml": controls.set(.enablePML, to: try pair.flag())
      case "vmfunc": controls.set(.enableVMFunctions, to: try pair.flag())
      case "vmfctl": controls.vmFunctions = try pair.number()
      case "vpid":
        vpid = UInt16(try pair.number(upTo: 0xffff))
        controls.set(.enableVPID, to: vpid != 0)
      case "pw": controls.set(.pagingWrite, to: try pair.flag())
      case "gpv": controls.set(.guestPagingVerification, to: try pair.flag())
      default:
        throw ScriptError(
          "unknown key '\(pair.key)'; expected ept, mbec, spp, ve, pml, vmfunc, vmfctl, vpid, pw or gpv")
      }
    }
    return (controls, vpid)
  }

  func policies(_ old: Policies, _ oldSeed: UInt64) throws(ScriptError) -> (Policies, UInt64) {
    var (policies, seed) = (old, oldSeed)
    var cache: String?
    for pair in try pairs(from: 1) {
      switch pair.key {
      case "guestad":
        guard let choice = ["before": Policies.GuestFlags.before, "after": .after][pair.text] else {
          throw ScriptError("guestad is '\(pair.text)'; expected before or after")
        }
        policies.guestFlags = choice
      case "rmwread": policies.readModifyWriteReportsRead = try pair.flag()
      case "cache":
        guard ["none", "maximal", "random"].contains(pair.text) else {
          throw ScriptError("cache is '\(pair.text)'; expected none, maximal or random")
        }
        cache = pair.text
      case "seed": seed = try pair.number()
      case "memtype": policies.reportsMemoryType = try pair.flag()
      case "crossing":
        guard let order = ["low": Policies.CrossingOrder.lowFirst, "high": .highFirst][pair.text] else {
          throw ScriptError("crossing is '\(pair.text)'; expected low or high")
        }
        policies.crossingOrder = order
      default:
        throw ScriptError("unknown key '\(pair.key)'; expected guestad, rmwread, cache, seed, memtype or crossing")
      }
    }
    if case .random = policies.cache, cache == nil { cache = "random" }
    switch cache {
    case "none": policies.cache = .none
    case "maximal": policies.cache = .maximal
    case "random": policies.cache = .random(seed: seed)
    default: break
    }
    return (policies, seed)
  }

  func fields(_ old: VMCSFields) throws(ScriptError) -> VMCSFields {
    var fields = old
    switch text(0) {
    case "spptp":
      try expect("SPPTP")
      fields.spptp = HostPhysicalAddress(try hex(1, "SPPTP"))
    case "eptplist":
      try expect("ADDR")
      fields.eptpList = HostPhysicalAddress(try hex(1, "address"))
    case "pml":
      try expect("ADDR", "INDEX")
      fields.pmlAddress = HostPhysicalAddress(try hex(1, "address"))
      fields.pmlIndex = try index(2)
    default:
      try expect("ADDR", "EPTPINDEX")
      fields.exceptionInformation = HostPhysicalAddress(try hex(1, "address"))
      fields.eptpIndex = try index(2)
    }
    return fields
  }

  private func index(_ word: Int) throws(ScriptError) -> UInt16 {
    guard let index = UInt16(exactly: try hex(word, "index")) else {
      throw ScriptError("index \(text(word)) has more than 16 bits")
    }
    return index
  }
}

extension WalkScript {
  /// `reg`: what flushes the guest's mappings on a processor flushes them here: MOV to CR3, and a change of CR0.PG or of CR4.SMEP.
  mutating func setRegisters(_ line: ScriptLine) throws(ScriptError) {
    var guest = machine.guest
    var cr3: UInt64?
    for pair in try line.pairs(from: 1) {
      switch pair.key {
      case "pe": guest.protection = try pair.flag()
      case "pg": guest.paging = try pair.flag()
      case "wp": guest.writeProtect = try pair.flag()
      case "smep": guest.smep = try pair.flag()
      case "smap": guest.smap = try pair.flag()
      case "ac": guest.alignmentCheck = try pair.flag()
      case "nxe": guest.noExecute = try pair.flag()
      case "inevent": guest.deliveringEvent = try pair.flag()
      case "nmi": guest.nmiUnblocking = try pair.flag()
      case "cr3": cr3 = try pair.number()
      default:
        guard try line.setPaging(pair, &guest) else {
          throw ScriptError(
            "unknown key '\(pair.key)'; expected pe, pg, wp, smep, smap, ac, nxe, inevent, nmi, cr3, mode, pse, pke, pkru, "
              + "pks, pkrs, cet or pat")
        }
      }
    }
    guard guest.writeProtect || !guest.shadowStacks else {
      throw ScriptError("cet is 1 and wp is 0; CR4.CET needs CR0.WP, so set wp=1 or cet=0")
    }
    machine.adopt(guest, cr3: cr3)
  }
}

extension EPTMachine {
  /// Takes over guest registers, with the flushes that such changes bring.
  mutating func adopt(_ guest: GuestState, cr3: UInt64?) {
    let flushes =
      guest.pagingMode != self.guest.pagingMode || guest.smep != self.guest.smep
      || guest.pageSizeExtensions != self.guest.pageSizeExtensions
    self.guest = guest
    if let cr3 { moveToCR3(cr3) }
    if flushes { flushGuestMappings() }
  }
}
