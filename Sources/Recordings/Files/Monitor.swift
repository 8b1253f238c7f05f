import Foundation

/// State that threads share, and that they wait for to change. (Locks of pthread, which the thread sanitizer follows.)
package final class Monitor<State>: @unchecked Sendable {
  private let condition = NSCondition()
  private var state: State

  package init(_ state: sending State) { self.state = state }

  /// Has the state alone; whoever waits looks again afterwards.
  package func with<Value>(_ body: (inout State) -> Value) -> Value { when({ _ in true }, body) }

  /// Waits until the state is as it must be, then has it alone; whoever waits looks again afterwards.
  package func when<Value>(_ isReady: (State) -> Bool, _ body: (inout State) -> Value) -> Value {
    condition.lock()
    defer {
      condition.broadcast()
      condition.unlock()
    }
    while !isReady(state) { condition.wait() }
    return body(&state)
  }
}
