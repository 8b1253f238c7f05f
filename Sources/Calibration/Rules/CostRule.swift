import Replay

/// How figures make a cost.
struct CostRule: Sendable {
  /// A figure, less the medians of others.
  struct Term: Sendable {
    var figure: String
    var less: [String]

    init(_ figure: String, less: [String] = []) {
      self.figure = figure
      self.less = less
    }
  }

  let cost: CostParameter
  let part: CalibrationPart
  /// Where the value comes from; the bracket too, unless `low` or `high` say otherwise.
  let value: Term
  /// What the value is taken from where the first choice is not there: with one processor only.
  var otherwise: Term?
  /// What is added to it: a cost that is measured in two parts.
  var besides: Term?
  var low: Term?
  var high: Term?
  /// How it was measured, for the source.
  let words: String

  static let all: [CostRule] = [
    CostRule(cost: .l1Reference, part: .plain, value: Term("load.l1"), words: "dependent loads"),
    CostRule(cost: .l2Reference, part: .plain, value: Term("load.l2"), words: "dependent loads"),
    CostRule(cost: .l3Reference, part: .plain, value: Term("load.l3"), words: "dependent loads"),
    CostRule(cost: .dramReference, part: .plain, value: Term("load.memory"), words: "dependent loads"),
    CostRule(
      cost: .stlbHit, part: .plain, value: Term("load.page_stride", less: ["load.packed"]),
      words: "dependent loads in 256 pages, less the same lines in 4"),
    CostRule(
      cost: .entryEdit, part: .plain, value: Term("store.locked.shared"), otherwise: Term("store.locked"),
      low: Term("store.locked"), words: "locked store to a line that another core has read; low: that none has"),
    CostRule(
      cost: .treeNode, part: .plain, value: Term("tree.node"), high: Term("tree.node.cold"),
      words: "our own look-up, hot; high: from memory"),
    CostRule(
      cost: .alertRecord, part: .plain, value: Term("alert", less: ["tree.look_up"]),
      high: Term("alert.cold", less: ["tree.look_up.cold"]),
      words: "our own alert up to the ring, less the look-up; high: tree and ring in memory"),

    CostRule(cost: .vmcallRoundTrip, part: .kvm, value: Term("vmcall"), words: "VMCALL handled by KVM"),
    CostRule(
      cost: .violationDispatch, part: .kvm, value: Term("store.absent", less: ["store.present", "vmcall"]),
      words: "KVM maps a page that is in memory; less a VMCALL"),
    CostRule(
      cost: .dispatchAndEmulation, part: .kvm, value: Term("store.ioeventfd", less: ["store.ioeventfd.any"]),
      besides: Term("store.absent", less: ["store.present", "vmcall"]),
      words: "KVM's emulator, ioeventfd of 8 bytes less one of any length; and what violation_dispatch is measured by"),
    CostRule(
      cost: .pmlLog, part: .kvm, value: Term("store.logged", less: ["store.present"]),
      words: "store to a clean page less one to a dirty page; upper bound"),
    CostRule(
      cost: .pmlDrainEntry, part: .kvm, value: Term("log.drain"),
      words: "KVM_GET_DIRTY_LOG for each page; upper bound"),

    CostRule(
      cost: .siliconExitEntry, part: .module, value: Term("exit.vmcall"), words: "VMCALL with the shortest handler"),
    CostRule(cost: .vmfuncSwitch, part: .module, value: Term("vmfunc"), words: "VMFUNC leaf 0"),
    CostRule(cost: .eptpWrite, part: .module, value: Term("eptp_write"), words: "VMWRITE of the EPTP"),
    CostRule(cost: .inveptSingle, part: .module, value: Term("invept.single"), words: "the instruction alone"),
    CostRule(cost: .inveptAll, part: .module, value: Term("invept.all"), words: "the instruction alone"),
    CostRule(
      cost: .veDelivery, part: .module, value: Term("store.ve", less: ["store.plain"]),
      words: "store, #VE, a handler of two instructions, IRET"),
    CostRule(
      cost: .sppLookup, part: .module, value: Term("store.sub_page", less: ["store.plain"]),
      words: "store that a sub-page permission allows"),
  ]

  /// Why there is no way to measure a cost that no rule is about.
  static let unmeasured: [CostParameter: String] = [
    .shootdown: "no way to measure it that emulators and machines agree on is known",
    .eptpChange: "no request to KVM changes the EPTP and does nothing else",
    .refillWalk: "the module's curves of refill tell it for a full TLB; they are shown, and not taken over",
    .outsideAnswer: "it is the tool that answers, not the machine",
    .l1dFlush: "whether the kernel flushes depends on its mitigations",
    .actionCount: actions, .actionLog: actions, .actionNotify: actions, .actionBlock: actions, .actionInject: actions,
    .actionIsolate: actions, .actionSuspend: actions, .actionSnapshot: actions, .actionPowerOff: actions,
  ]
  private static let actions = "alert actions are whatever the user's hypervisor does"

  /// Every figure that enters a cost.
  static let figures = Set(
    all.flatMap { rule in
      [rule.value, rule.otherwise, rule.besides, rule.low, rule.high].compactMap(\.self).flatMap {
        [$0.figure] + $0.less
      }
    })

  /// The cost from the figures of its part; nil if a figure is missing, or nothing is left of it.
  func bracket(from report: ProgramReport) -> Bracket? {
    guard let (figure, less) = Self.taken(value, from: report) ?? otherwise.flatMap({ Self.taken($0, from: report) }),
      figure.value > less
    else { return nil }
    let middle = figure.value - less
    let (least, ownLess) = low.flatMap { Self.taken($0, from: report) } ?? (figure, less)
    let (greatest, itsLess) = high.flatMap { Self.taken($0, from: report) } ?? (figure, less)
    let own = Bracket(
      low: max(0, min(middle, least.low - ownLess)), value: middle, high: max(middle, greatest.high - itsLess))
    guard let besides else { return own }
    guard let (more, moreLess) = Self.taken(besides, from: report), more.value > moreLess else { return nil }
    return Bracket(
      low: own.low + max(0, more.low - moreLess), value: own.value + more.value - moreLess,
      high: own.high + more.high - moreLess)
  }

  /// The first term that a report does not tell, or that leaves nothing.
  func lacking(in report: ProgramReport) -> Term? {
    [value, besides].compactMap(\.self).first { term in
      Self.taken(term, from: report).map { figure, less in figure.value <= less } ?? true
    }
  }

  /// How the cost was measured: with one processor only, some are not measured as they should be.
  func how(in report: ProgramReport) -> String {
    otherwise == nil || report.figure(value.figure) != nil
      ? words : words + "; here, with one processor only, as low is"
  }

  /// A figure, and what is to be taken off it.
  private static func taken(_ term: Term, from report: ProgramReport) -> (MeasuredFigure, Double)? {
    let less = term.less.compactMap { report.figure($0)?.value }
    guard let figure = report.figure(term.figure), less.count == term.less.count else { return nil }
    return (figure, less.reduce(0, +))
  }
}
