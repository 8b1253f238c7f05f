import Addresses
import EPT
import GuestIntegrity

/// Who drives the processors of a machine through a guest: a recording, or a script.
///
/// It knows where accesses come from and what is left of a completed store. What becomes of an outcome it does not decide:
/// that is ``execute(_:)``, for every driver the same.
@usableFromInline
package protocol Executor: AnyObject {
  /// The processors that the hypervisor controls.
  associatedtype Processors: ProcessorControl
  /// One access of a vCPU, as it is to be made, made again, and completed.
  associatedtype Access
  /// What can go wrong with the driver itself.
  associatedtype Failure: Error

  /// The hypervisor of the machine.
  var hypervisor: Hypervisor<Processors> { get }
  /// The vCPU that makes an access.
  func vcpu(of access: Access) -> Int
  /// When an access is made, on the clock of alerts.
  func time(of access: Access) throws(Failure) -> UInt64
  /// Where its instruction lies, where that is known: linear and guest-physical.
  func instruction(of access: Access) -> (rip: GuestLinearAddress, address: GuestPhysicalAddress?)?

  /// Has the processor make an access, not for the first time where `isRepeated`; what stands in its way, or nil if it was
  /// made.
  func attempt(_ access: inout Access, isRepeated: Bool) throws(Failure) -> TranslationOutcome?
  /// The store that the EPT refused, as an exit tells it. Nil where the access cannot go on: a page that the store also
  /// reaches holds it up.
  func store(
    of access: inout Access, refusedBy violation: EPTViolation, _ delivery: Delivery
  ) throws(Failure) -> Store?
  /// The walker's own store of an accessed or dirty flag that the EPT refused.
  func update(of access: Access, refusedBy violation: EPTViolation) -> Store
  /// Has the hypervisor judge a store that the EPT refused; the driver may look at the clock around it.
  func judge(_ store: Store, refusedBy violation: EPTViolation, fetchedFrom: GuestPhysicalAddress?) -> Verdict
  /// The guest's handler has looked at its exception, or the hypervisor on its behalf.
  func acknowledgeException(on vcpu: Int)

  /// Performs the store of an access by the hypervisor's own hand.
  func emulate(_ access: Access)
  /// Has the vCPU perform the store of an access with the rights now in force; false where they refuse it.
  func storeInOpenView(_ access: Access) throws(Failure) -> Bool
  /// Sets the flag that the walker was refused; false where no entry asks for it.
  func setFlag(of access: Access, refusedBy violation: EPTViolation) -> Bool

  /// A page-modification log has been drained.
  func haveDrained(on vcpu: Int, at time: UInt64)
  /// A refused store has been judged, and completed or not.
  func haveJudged(_ judged: JudgedStore, of access: Access) throws(Failure)
}

extension Executor {
  @inlinable
  package func judge(
    _ store: Store, refusedBy violation: EPTViolation, fetchedFrom: GuestPhysicalAddress?
  ) -> Verdict {
    hypervisor.handle(store, violation: violation, fetchedFrom: fetchedFrom)
  }
}

/// How the processor handed a store over to whoever judges it.
public enum Delivery: UInt8, Hashable, Sendable {
  /// An EPT violation exit.
  case exit
  /// An EPT violation as #VE to a handler in the guest.
  case virtualizationException
  /// Found later in a page-modification log.
  case drainedLog
  /// Met by whoever completes a store, on the way to its second page: no exit of its own.
  case completion
}

/// What came of a store that the EPT refused.
@usableFromInline
package struct JudgedStore {
  /// The store.
  @usableFromInline package let store: Store
  /// The violation it met.
  @usableFromInline package let violation: EPTViolation
  /// What it turned out to be.
  @usableFromInline package let verdict: Verdict
  /// How it got to whoever judged it.
  @usableFromInline package let delivery: Delivery
  /// What that took beside its delivery.
  @usableFromInline package let asking: Acts
  /// What completing it took; nothing where it was blocked.
  @usableFromInline package let completion: Acts
  /// Whether it has been performed.
  @usableFromInline package let isPerformed: Bool

  @inlinable
  init(
    store: Store, violation: EPTViolation, verdict: Verdict, delivery: Delivery, asking: Acts, completion: Acts,
    isPerformed: Bool
  ) {
    self.store = store
    self.violation = violation
    self.verdict = verdict
    self.delivery = delivery
    self.asking = asking
    self.completion = completion
    self.isPerformed = isPerformed
  }
}

/// Who makes an access on behalf of a store that has been judged.
@usableFromInline
package enum Completer {
  /// The hypervisor: what the access meets on its way needs no exit.
  case hypervisor
  /// The vCPU, even if the alert has stopped the machine.
  case vcpu
}

/// How an access ended.
@usableFromInline
package enum Ending {
  /// The processor has made it.
  case made
  /// Its store was refused, judged, and then performed.
  case completed
  /// A store, its own or one on its way, was not performed; a fault is injected in its place, or the guest goes on.
  case blocked(faultInjected: Bool)
  /// Nothing that a hypervisor could do lets it be made.
  case ended(TranslationOutcome)
  /// The machine does not run, or the access makes no progress.
  case stopped
}
