/// Curves over one size, both axes logarithmic.
struct Plot {
  struct Point {
    let x: Double
    let y: Double
  }
  struct Curve {
    let label: String
    var points: [Point] = []
  }
  /// A size at which something known happens.
  struct Mark {
    let x: Double
    let label: String
  }

  /// Part of the file's name.
  let name: String
  let title: String
  let xTitle: String
  let yTitle: String
  let curves: [Curve]
  var marks: [Mark] = []
}
