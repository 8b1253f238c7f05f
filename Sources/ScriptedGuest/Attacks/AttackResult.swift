import Addresses
import GuestIntegrity

/// What an attack's program found afterwards.
struct AttackResult {
  /// Whether the machine's state shows what the attacker was after.
  var achieved: Bool
  /// What happened to the attempt, in a few words.
  var note: String
  /// When it was achieved, where that was before the program's end.
  var time: UInt64?
}

extension GuestMachine {
  /// Runs `body` and says whether a word is another afterwards; `otherwise` where the attempt was executed in vain.
  func changes(
    _ address: GuestPhysicalAddress, otherwise: String = "the write went elsewhere", _ body: () -> StepOutcome
  ) -> AttackResult {
    let before = word(at: address)
    let outcome = body()
    let achieved = word(at: address) != before
    return AttackResult(
      achieved: achieved, note: achieved ? "the write was performed" : outcome.isDone ? otherwise : outcome.note,
      time: time)
  }
}

extension StepOutcome {
  /// What came of an attempt, in a few words.
  var note: String {
    switch self {
    case .done, .value: "the attempt was executed"
    case .answered(let result): result.error.map { "refused: \($0)" } ?? "the call was executed"
    case .blocked: "the write was not performed"
    case .fault(.undefinedOpcode): "#UD, invalid opcode"
    case .fault(.generalProtection): "#GP, general protection"
    case .fault(.pageFault): "#PF, page fault"
    case .fault(let vector): "exception \(vector)"
    case .stopped: "the machine was stopped"
    }
  }
}
