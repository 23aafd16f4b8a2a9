using Pimm.Core.FeatureEncoding;

namespace Pimm.Core.Datasets;

/// <summary>Rows ready for training, and what was noticed on the way.</summary>
/// <param name="Map">how columns become ids, fitted on the training rows</param>
/// <param name="Snapshot">the packed rows; the caller disposes it</param>
/// <param name="Summary">counts and notes for a person</param>
public sealed record Dataset(FeatureMap Map, Snapshot Snapshot, DatasetSummary Summary);

/// <param name="FileRows">rows in the source</param>
/// <param name="TrainRows">rows that fit map and weights</param>
/// <param name="ValidationRows">rows that choose the epoch and the learning rate</param>
/// <param name="CalibrationRows">rows that fit the calibrator; 0 where there are too few to divide</param>
/// <param name="TestRows">rows touched once</param>
/// <param name="OutOfOrder">rows whose labels broke the funnel's order: left out or repaired by the rule</param>
/// <param name="Notes">one sentence for each column left out, read with reserve or allowed to leak</param>
public sealed record DatasetSummary(long FileRows, long TrainRows, long ValidationRows, long CalibrationRows, long TestRows, long OutOfOrder, IReadOnlyList<string> Notes);

/// <param name="Step">"labels", "features" or "encoding", in this order</param>
/// <param name="Share">how much of the step is done, 0 … 1</param>
public readonly record struct DatasetProgress(string Step, double Share);
