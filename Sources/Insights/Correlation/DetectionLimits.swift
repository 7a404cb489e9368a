/// What was left out because correlations and baselines keep only so much.
package struct DetectionLimits: Sendable, Equatable {
  /// Groups that were forgotten, and matches whose group was not learnt.
  package var groups = 0
  /// Values of a group that were not remembered.
  package var values = 0
  /// Events that a window did not keep until its time was over.
  package var events = 0
  /// Records whose coming again can no longer be noticed.
  package var repeats = 0

  package init() {}

  /// How much each correlation keeps.
  struct Room: Sendable {
    var groups = 100_000
    var values = 10_000
    var repeats = 200_000
  }
}
