using Pimm.Core.Datasets;
using Pimm.Core.Training;

namespace Pimm.Core.Comparing;

/// <summary>What to compare, and how.</summary>
public sealed record ComparisonRequest
{
    /// <summary>Seeds of the learning-rate sweep; other ones than the final trainings'.</summary>
    public const int SweepSeeds = 3;

    /// <summary>The rates that PIMM's paper sweeps (SIGIR'23, section 4.1).</summary>
    public static readonly IReadOnlyList<double> PaperRates = [0.0005, 0.001, 0.0015, 0.002];

    /// <summary>The rows; its seed is the first split's, the next split has the next seed.</summary>
    public required DatasetOptions Data { get; init; }

    /// <summary>Two or more; the first is the candidate that every other one is tested against.</summary>
    public required IReadOnlyList<ComparedModel> Models { get; init; }

    /// <summary>Random splits of the rows, 1 to 100; 1 by default. A claim about other customers needs
    /// <see cref="SplitsForAClaim"/>.</summary>
    public int Splits { get; init; } = 1;

    /// <summary>Trainings of each model on each split, 1 to 100; 5 by default, as in the papers.</summary>
    public int Seeds { get; init; } = 5;

    /// <summary>Learning rates to choose from, by the mean validation loss over <see cref="SweepSeeds"/> seeds on the first split;
    /// empty, the default: every model takes the rate of <see cref="Training"/>.</summary>
    public IReadOnlyList<double> Rates { get; init; } = [];

    /// <summary>How each is trained; seed and, under a sweep, rate are set for each training.</summary>
    public TrainingOptions Training { get; init; } = new();

    /// <summary>Where snapshots and results are kept; what is there already is not trained again.</summary>
    public required string Folder { get; init; }

    /// <summary>Trainings at the same time, 1 to 256, each on <see cref="TrainingOptions.Threads"/> threads.</summary>
    public int Lanes { get; init; } = 1;

    /// <summary>Fewest splits from which ‡ is printed.</summary>
    public const int SplitsForAClaim = 10;

    /// <exception cref="InputException">a value out of its bounds</exception>
    public ComparisonRequest Validated()
    {
        Require(Splits is >= 1 and <= 100, $"--splits is {Splits}; it must be 1 to 100.");
        Require(Seeds is >= 1 and <= 100, $"--seeds is {Seeds}; it must be 1 to 100.");
        Require(Lanes is >= 1 and <= 256, $"There are {Lanes} trainings at a time; choose 1 to 256.");
        Require(Splits == 1 || (Data.Time is null && Data.Part is null),
            $"--splits {Splits} needs random splits, but {(Data.Time is null ? "--part" : "--time")} fixes the test rows; leave one of the two out.");
        Training.Validated();
        return this;
    }

    private static void Require(bool holds, string sentence)
    {
        if (!holds)
        {
            throw new InputException(sentence);
        }
    }
}
