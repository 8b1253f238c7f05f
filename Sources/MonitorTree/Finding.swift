import Addresses

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

/// The answer to one look-up and what it cost.
@frozen
public struct Finding: Hashable, Sendable {
  /// What the tree says.
  public let answer: Answer
  /// How many nodes' contents were read.
  public let nodesVisited: Int

  @inlinable @inline(__always)
  init(_ answer: Answer, nodesVisited: Int) {
    self.answer = answer
    self.nodesVisited = nodesVisited
  }
}

/// A run of pages that the same regions claim with the same actions.
@frozen
public struct Segment: Hashable, Sendable {
  @usableFromInline let start: UInt32
  @usableFromInline let length: UInt32
  /// The union of the actions all owners ask for.
  public let actions: AlertActions
  /// How many regions claim the pages, at least 1.
  public let owners: Int
  /// The region that claims the pages; the lowest id where there are several.
  public let region: RegionID

  @inlinable @inline(__always)
  init(start: UInt32, length: UInt32, actions: AlertActions, owners: Int, region: RegionID) {
    self.start = start
    self.length = length
    self.actions = actions
    self.owners = owners
    self.region = region
  }

  /// The pages of the segment; neighbouring segments may say the same.
  @inlinable public var range: PageRange {
    PageRange(first: GuestPageNumber(UInt64(start)), count: UInt64(length)) ?? PageRange(page: GuestPageNumber(0))
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
  init(page: GuestPageNumber, role: Role, actions: AlertActions) {
    self.page = page
    self.role = role
    self.actions = actions
  }
}
