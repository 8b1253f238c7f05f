import Addresses

/// What GI_INIT has registered: where the driver lies, and where integrity mode is entered and left.
public struct Registration: Hashable, Sendable {
  /// GI code.
  public internal(set) var code: PageRange
  /// GI data.
  public internal(set) var data: PageRange
  /// Where integrity mode is entered.
  public internal(set) var entry: Gate
  /// Where it is left.
  public internal(set) var exit: Gate
  /// The driver's private registers, if it has described any.
  public internal(set) var context: PrivateContext?
  /// Pages donated to the tree.
  public internal(set) var slabs: [PageRange] = []

  /// An instruction in GI code: its linear address and the page that address must lie on.
  public struct Gate: Hashable, Sendable {
    /// Its linear address.
    public internal(set) var address: GuestLinearAddress
    /// The page that address must lie on.
    public internal(set) var page: GuestPageNumber

    init(address: GuestLinearAddress, page: GuestPageNumber) {
      self.address = address
      self.page = page
    }

    /// The gate at `address`, as far from `rip` in linear memory as its page is from that of `rip` in the code range.
    init?(_ address: GuestLinearAddress, seenFrom rip: GuestLinearAddress, on page: GuestPageNumber, in code: PageRange)
    {
      let distance = (address.rawValue >> 12) &- (rip.rawValue >> 12)
      let gatePage = GuestPageNumber(page.rawValue &+ distance)
      guard code.contains(gatePage) else { return nil }
      self.init(address: address, page: gatePage)
    }
  }

  /// The pages that the driver writes in integrity mode.
  var ownPages: [PageRange] { [data] + slabs }
}
