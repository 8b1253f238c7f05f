import Foundation

/// Content that threads share, and that they wait for to change. (Locks of pthread, which the thread sanitizer follows.)
package final class Monitor<Content>: @unchecked Sendable {
  private let condition = NSCondition()
  private var content: Content

  package init(_ content: sending Content) { self.content = content }

  /// Has the content alone; whoever waits looks again afterwards.
  package func with<Value>(_ body: (inout Content) -> Value) -> Value { when({ _ in true }, body) }

  /// Waits until the content is as it must be, then has it alone; whoever waits looks again afterwards.
  package func when<Value>(_ isReady: (Content) -> Bool, _ body: (inout Content) -> Value) -> Value {
    condition.lock()
    defer {
      condition.broadcast()
      condition.unlock()
    }
    while !isReady(content) { condition.wait() }
    return body(&content)
  }
}
