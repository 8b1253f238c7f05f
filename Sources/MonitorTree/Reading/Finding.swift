import Addresses
import CNodeSearch

/// What the tree says about a page.
@frozen
public enum Answer: Hashable, Sendable {
  /// No region claims the page, and it is not the tree's.
  case notMine
  /// The page belongs to a segment that one or more regions claim.
  case protected(Segment)
  /// The page is the tree's own.
  case treePage(TreePage)
  /// The node on this page is not as its writer left it; nothing is known about the page sought.
  case corrupt(GuestPageNumber)
}

/// The answer to one look-up and what it cost: two words, so that it travels in registers.
@frozen
public struct Finding: Hashable, Sendable {
  /// The kinds of ``Answer``, with the role of a tree page.
  @frozen @usableFromInline
  enum Kind: UInt8, Sendable { case notMine, protected, base, interior, leaf, slab, corrupt }

  /// A claim: the union of the actions, the last ordinal and the lowest region where there are several; 0 for notMine.
  @usableFromInline var word: UInt64
  /// The first page of the segment or of the statement that there is none; or the page of the tree.
  @usableFromInline var start: UInt32
  @usableFromInline var kind: Kind
  @usableFromInline var visited: UInt8

  @inlinable @inline(__always)
  init(_ kind: Kind, start: UInt32 = 0, word: UInt64 = 0, nodesVisited: Int) {
    self.kind = kind
    self.start = start
    self.word = word
    visited = UInt8(truncatingIfNeeded: nodesVisited)
  }

  /// What the fast look-up found; nil where it did not decide.
  @inlinable @inline(__always)
  init?(_ found: node_finding, nodesVisited: Int) {
    guard node_is_decided(found) else { return nil }
    self.init(
      found.word == 0 ? .notMine : .protected, start: UInt32(truncatingIfNeeded: found.start), word: found.word,
      nodesVisited: nodesVisited)
  }

  /// How many nodes' contents were read.
  @inlinable @inline(__always)
  public var nodesVisited: Int { Int(visited) }

  /// What is to be done about a write to the page; nothing for a page that is not mine or not known.
  @inlinable @inline(__always)
  public var actions: AlertActions { AlertActions(rawValue: UInt16(truncatingIfNeeded: word & 0xfff)) }

  /// What the tree says.
  @inlinable
  public var answer: Answer {
    switch kind {
    case .notMine: .notMine
    case .protected: .protected(Segment(start: start, word: word))
    case .base: .treePage(TreePage(page: start, role: .base, actions: actions))
    case .interior: .treePage(TreePage(page: start, role: .interior, actions: actions))
    case .leaf: .treePage(TreePage(page: start, role: .leaf, actions: actions))
    case .slab: .treePage(TreePage(page: start, role: .slab, actions: actions))
    case .corrupt: .corrupt(GuestPageNumber(UInt64(start)))
    }
  }
}

/// A run of pages that the same regions claim with the same actions.
@frozen
public struct Segment: Hashable, Sendable {
  @usableFromInline let start: UInt32
  @usableFromInline let claim: Claim

  @inlinable
  init(start: UInt32, word: UInt64) {
    self.start = start
    claim = Claim(word: word)
  }

  /// The union of the actions all owners ask for.
  @inlinable public var actions: AlertActions { claim.actions }
  /// How many regions claim the pages, at least 1.
  @inlinable public var owners: Int { claim.ordinal + 1 }
  /// The region that claims the pages; the lowest id where there are several.
  @inlinable public var region: RegionID { claim.region }
  /// The pages of the segment; neighbouring segments may say the same.
  @inlinable public var range: PageRange {
    let first = GuestPageNumber(UInt64(start))
    return PageRange(first: first, count: UInt64(claim.pages)) ?? PageRange(page: first)
  }
}

/// A page of the tree itself.
@frozen
public struct TreePage: Hashable, Sendable {
  /// What a page of the tree is used for.
  public enum Role: UInt8, Sendable {
    /// The node where every walk starts.
    case base
    /// A node whose entries lead to nodes.
    case interior
    /// A node whose entries are mappings.
    case leaf
    /// A donated page off the search path of its own number: another node, or free.
    case slab
  }

  /// The page.
  public let page: GuestPageNumber
  /// What it is used for, as far as its own search path tells.
  public let role: Role
  /// What to do about a write to it.
  public let actions: AlertActions

  @inlinable
  init(page: UInt32, role: Role, actions: AlertActions) {
    self.page = GuestPageNumber(UInt64(page))
    self.role = role
    self.actions = actions
  }
}
