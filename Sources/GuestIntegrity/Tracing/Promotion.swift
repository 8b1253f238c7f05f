/// When a page whose stores are logged becomes one whose stores are refused, and when it goes back.
///
/// A window is so many drains of the log. A page that the log held at `hits` drains of the last window is written often: its
/// stores are refused from then on, until none has come for a whole window.
public struct Promotion: Hashable, Sendable {
  /// Drains that must have found the page.
  public let hits: Int
  /// Drains in a window.
  public let window: Int

  /// So many hits in so many drains; nil unless 1 <= hits <= window <= 64.
  public init?(hits: Int, window: Int) {
    guard hits >= 1, hits <= window, window <= 64 else { return nil }
    (self.hits, self.window) = (hits, window)
  }

  /// 4 of the last 64 drains.
  public static let usual = Self(4, of: 64)

  private init(_ hits: Int, of window: Int) { (self.hits, self.window) = (hits, window) }
}
