/// How a write that was refused, and is not blocked, is completed. It acts once the write has been judged.
public protocol Completion: MechanismChoice {
  /// Who puts a table set in force in which everything may be written; nil where nobody needs one.
  var openView: OpenViewUser? { get }
  /// Completes a store.
  func complete(by host: inout some CompletionHost)
  /// Completes a store of the page walker's own: of an accessed or dirty flag, on the way of an access that starts over.
  func completeUpdate(by host: inout some CompletionHost)
}

/// Who puts the open view in force.
public enum OpenViewUser: UInt8, Hashable, Sendable {
  /// The hypervisor: the guest has no way to.
  case hypervisor
  /// The driver's handler, by VMFUNC: only GI code may be executed in it.
  case guest
}

/// What a ``Completion`` can have done to the store at hand.
public protocol CompletionHost: ActingHost {
  /// The hypervisor performs the store itself, whatever rights say.
  mutating func emulate()
  /// The vCPU performs the store with the rights in force: what the hypervisor has opened, or by the handler's own store.
  mutating func store()
  /// Puts the open view in force.
  mutating func openView(by means: SwitchMeans)
  /// Puts the set of the vCPU's mode in force again.
  mutating func closeView(by means: SwitchMeans)
  /// The vCPU leaves the guest for the hypervisor once more.
  mutating func exit(_ reason: ExitReason)
}

extension Completion {
  /// No open view.
  public var openView: OpenViewUser? { nil }
  /// The hypervisor sets the flag: a step of the guest would make the store behind it as well, unjudged.
  public func completeUpdate(by host: inout some CompletionHost) { host.emulate() }
}

/// Whether two choices have the same name.
public func == (a: any Completion, b: any Completion) -> Bool { a.name == b.name }
/// Whether two choices have different names.
public func != (a: any Completion, b: any Completion) -> Bool { a.name != b.name }

/// The hypervisor performs the store itself.
public struct Emulation: Completion {
  /// Nothing to choose.
  public init() {}
  /// Its name.
  public var name: String { "emulate" }
  /// What it does.
  public var meaning: String { "the hypervisor performs the store itself" }
  /// Emulates.
  public func complete(by host: inout some CompletionHost) { host.emulate() }
}

/// The vCPU executes the instruction alone, with a table set in which the page may be written, and exits again.
public struct SingleStep: Completion {
  /// Nothing to choose.
  public init() {}
  /// Its name.
  public var name: String { "single-step" }
  /// What it does.
  public var meaning: String { "the vCPU executes the instruction alone in an open view, and exits again" }
  /// The hypervisor's.
  public var openView: OpenViewUser? { .hypervisor }
  /// One step under the monitor trap flag.
  public func complete(by host: inout some CompletionHost) {
    host.openView(by: .vmcsWrite)
    host.store()
    host.exit(.monitorTrap)
    host.closeView(by: .vmcsWrite)
  }
}

/// The driver's handler performs the store with a table set in which the page may be written.
public struct ViewSwitch: Completion {
  /// Nothing to choose.
  public init() {}
  /// Its name.
  public var name: String { "view-switch" }
  /// What it does.
  public var meaning: String { "the driver's handler performs the store in an open view that it switches to by VMFUNC" }
  /// The handler's.
  public var openView: OpenViewUser? { .guest }
  /// There and back by VMFUNC.
  public func complete(by host: inout some CompletionHost) {
    host.openView(by: .vmfunc)
    host.store()
    host.closeView(by: .vmfunc)
  }
  /// The handler sets the flag by a store of its own.
  public func completeUpdate(by host: inout some CompletionHost) { complete(by: &host) }
}

/// It was performed before it was noticed.
public struct AlreadyDone: Completion {
  /// Nothing to choose.
  public init() {}
  /// Its name.
  public var name: String { "already-done" }
  /// What it does.
  public var meaning: String { "the store was performed before it was noticed" }
  /// A store that is refused all the same, for another client of the tracing service, is emulated.
  public func complete(by host: inout some CompletionHost) { host.emulate() }
}

extension Completion where Self == Emulation {
  /// The hypervisor emulates.
  public static var emulate: Self { Self() }
}
extension Completion where Self == SingleStep {
  /// One step in the open view.
  public static var singleStep: Self { Self() }
}
extension Completion where Self == ViewSwitch {
  /// The handler's store in the open view.
  public static var viewSwitch: Self { Self() }
}
extension Completion where Self == AlreadyDone {
  /// Nothing is left to do.
  public static var alreadyDone: Self { Self() }
}
