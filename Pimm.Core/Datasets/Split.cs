namespace Pimm.Core.Datasets;

/// <summary>The part a row plays; the numbers are those of the snapshot's "split" array.</summary>
public enum Split : byte
{
    /// <summary>Fits the feature map and the weights.</summary>
    Train = 0,

    /// <summary>Chooses the epoch and the learning rate.</summary>
    Validation = 1,

    /// <summary>Touched once, after everything is chosen.</summary>
    Test = 2,

    /// <summary>Fits the calibrator behind a trained network, and nothing else: the other half of the validation rows.</summary>
    Calibration = 3,
}
