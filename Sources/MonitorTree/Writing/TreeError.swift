import Addresses

/// Why a change of the tree was refused; the tree is as it was before.
public enum TreeError: Error, Hashable, Sendable {
  /// The range does not lie in guest memory.
  case outsideGuestMemory(PageRange)
  /// The range covers pages of the tree itself.
  case overlapsTree(PageRange)
  /// The pages to donate belong to a protected region.
  case overlapsProtected(PageRange)
  /// The action bits do not fit an entry.
  case invalidActions(AlertActions)
  /// Region 0 is kept for the tree's own pages.
  case invalidRegion(RegionID)
  /// More than ``NodeLayout/entriesPerBlock`` regions would claim this page.
  case tooManyOwners(GuestPageNumber)
  /// The mappings to build from are not in ascending order of their first pages.
  case unsorted(PageRange)
  /// The change needs more pages than are free; donate some, or let readers pass.
  case outOfPages
  /// The tree would have more levels than a reference can tell.
  case tooDeep
  /// There is no tree yet.
  case noTree
  /// There is a tree already.
  case treeExists
  /// The node on this page is not as its writer left it.
  case corrupt(GuestPageNumber)
  /// The store was refused at this address.
  case storeRefused(GuestPhysicalAddress)
  /// The base pointer could not be published.
  case publicationRefused
}

extension TreeError: CustomStringConvertible {
  /// One sentence: what was found, what was expected, what to do.
  public var description: String {
    switch self {
    case .outsideGuestMemory(let range): "pages \(range.text) do not lie in guest memory; protect pages of RAM only"
    case .overlapsTree(let range): "pages \(range.text) cover pages of the tree, which are protected already"
    case .overlapsProtected(let range): "pages \(range.text) cannot be donated: a region claims some of them"
    case .invalidActions(let actions): "action bits \(hex(actions.rawValue)) exceed bits 11:0"
    case .invalidRegion(let region): "region \(region.rawValue) is kept for the tree; use 1 ... 65535"
    case .tooManyOwners(let page):
      "page \(hex(page.rawValue)) would have more than \(NodeLayout.entriesPerBlock) owners"
    case .unsorted(let range): "pages \(range.text) come after a range that starts later; sort by first page"
    case .outOfPages: "too few donated pages are free for this change; donate more"
    case .tooDeep: "the tree would be deeper than \(NodeLayout.maximumLevel + 1) levels"
    case .noTree: "there is no tree; create it on a donated slab first"
    case .treeExists: "the base pointer refers to a tree already"
    case .corrupt(let page): "the node on page \(hex(page.rawValue)) is not as its writer left it"
    case .storeRefused(let address): "the store at \(hex(address.rawValue)) was refused"
    case .publicationRefused: "the base pointer was not changed"
    }
  }
}

extension PageRange {
  var text: String { "\(hex(first.rawValue)) ... \(hex(last.rawValue))" }
}
