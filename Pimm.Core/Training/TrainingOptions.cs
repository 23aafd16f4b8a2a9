using System.Globalization;
using System.Text.Json.Serialization;

namespace Pimm.Core.Training;

/// <summary>What decides which epoch was the best and when to stop.</summary>
public enum StoppingMeasure
{
    /// <summary>The sum over tasks of the validation log loss and, where an amount is predicted, its mean squared error on the training
    /// scale; smaller is better.</summary>
    LogLoss,

    /// <summary>The sum over tasks of the validation AUC; larger is better (AITM's protocol). An amount plays no part in it.</summary>
    Auc,
}

/// <summary>Which rows of the embedding tables take a training step.</summary>
public enum EmbeddingUpdates
{
    /// <summary>All of them, as Adam is written.</summary>
    Dense,

    /// <summary>Those that the batch looks up; the steps of the others wait until they are looked up or an epoch ends, and beyond 32 at a
    /// time are taken in strides, so results differ a little from dense ones. Needs no pass over the tables at a step.</summary>
    Lazy,
}

/// <summary>How a network is trained: AITM's public code's protocol, which PIMM's paper says it follows, but for what stops it, smaller
/// batches on small files and the averaged weights.</summary>
public sealed record TrainingOptions
{
    /// <summary>Rows of a batch, 1 to 1,000,000. Unset, the default: 2,000, fewer where an epoch would then have fewer than
    /// <see cref="StepsWanted"/> steps, down to 256.</summary>
    public int? Batch { get; init; }

    /// <summary>Adam's learning rate, above 0 to 1; 1e-3 by default (β₁ .9, β₂ .999, ε 1e-8).</summary>
    public double LearningRate { get; init; } = 1e-3;

    /// <summary>Most epochs, 1 to 10,000; 30 by default.</summary>
    public int Epochs { get; init; } = 30;

    /// <summary>
    /// Epochs without a better one before training stops, 1 to 1,000; 2 by default. Epochs before the curriculum has reached its floor
    /// do not count, unless there are no others.
    /// </summary>
    public int Patience { get; init; } = 2;

    /// <summary>What is compared between epochs; the summed log loss by default.</summary>
    public StoppingMeasure StopOn { get; init; } = StoppingMeasure.LogLoss;

    /// <summary>Which rows of the embedding tables take a step; dense by default. Lazy only on the CPU, and not for a network that merges its
    /// tasks' gradients.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public EmbeddingUpdates EmbeddingUpdates { get; init; }

    /// <summary>Decides the initial weights, dropout, the order of rows and the premises' draws; 1 by default.</summary>
    public ulong Seed { get; init; } = 1;

    /// <summary>Threads that compute, at most, 1 to 1,024; unset, the default: one for batches below <see cref="ThreadTrial.LeastBatch"/>
    /// rows, otherwise as many as the machine has cores, or from 100,000 training rows on fewer where a trial finds those faster
    /// (<see cref="ThreadTrial"/>). Fewer compute while others keep them waiting, where the weights stay the same
    /// (<see cref="ThreadRation"/>).</summary>
    public int? Threads { get; init; }

    /// <summary><c>cpu</c> (the default) or <c>cuda:N</c>.</summary>
    public string Device { get; init; } = "cpu";

    /// <summary>Let matrix products on a CUDA device round their factors to TF32's ten bits (half as many digits, and faster); no by
    /// default. Refused on the CPU.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool Tf32 { get; init; }

    /// <summary>Record a step on a CUDA device as a graph and launch it as a whole; no by default, as long as it has not been run on
    /// one. Refused on the CPU.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool CudaGraph { get; init; }

    /// <summary>Keep the rows where it is computed on the CPU too, with the steps that a device takes, so that tests can run them.</summary>
    internal bool Resident { get; init; }

    /// <summary>How long the threads of this process have waited for a processor; for tests another than the system's.</summary>
    internal Func<TimeSpan?> Waited { get; init; } = ProcessorShare.Waited;

    /// <summary>Bytes free on the device, instead of asking it; for tests.</summary>
    internal long? DeviceMemory { get; init; }

    /// <summary>Steps an epoch should have at least before batches are made smaller.</summary>
    public const int StepsWanted = 200;

    private const int SmallestBatch = 256;
    private const int UsualBatch = 2000;

    /// <summary>The batch in force for so many training rows.</summary>
    public int BatchFor(long trainingRows) =>
        Batch ?? (int)Math.Clamp(trainingRows / StepsWanted / 64 * 64, SmallestBatch, UsualBatch);

    /// <summary>
    /// Train for exactly <see cref="Epochs"/> epochs on training, validation and calibration rows together and keep the last weights:
    /// for a number of epochs that was chosen before. No by default; the metrics between epochs are then of rows already seen.
    /// </summary>
    public bool Refit { get; init; }

    /// <summary>
    /// Let the calibration rows choose the epoch too, so that no calibrator is fitted: for trials whose calibration nobody needs. No by
    /// default.
    /// </summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool WholeValidation { get; init; }

    /// <summary>
    /// Epochs over which the weights are averaged (<see cref="AveragedWeights"/>), 0 to 10; half of one by default, 0 keeps the last
    /// step's. It is for calibration most of all: on 100,000 simulated impressions it moved predicted / observed of the last stage
    /// from .69 to .93.
    /// </summary>
    public double Averaging { get; init; } = 0.5;

    /// <summary>The options with those of the settings that belong to training (<c>patience</c>, <c>stopOn</c>, <c>lr</c>,
    /// <c>batch</c>, <c>epochs</c>, <c>refit</c>, <c>averaging</c>, <c>wholeValidation</c>, <c>embeddingUpdates</c>, <c>tf32</c>,
    /// <c>cudaGraph</c>) taken out of them.</summary>
    /// <exception cref="InputException">A value is out of its bounds.</exception>
    public TrainingOptions Taking(IDictionary<string, string> settings)
    {
        var options = this;
        options = options with { Patience = Whole(settings, "patience") ?? options.Patience };
        options = options with { Epochs = Whole(settings, "epochs") ?? options.Epochs };
        options = options with { Batch = Whole(settings, "batch") ?? options.Batch };
        options = options with { LearningRate = Real(settings, "lr") ?? options.LearningRate };
        options = options with { Averaging = Real(settings, "averaging") ?? options.Averaging };

        options = options with { Refit = Switch(settings, "refit") ?? options.Refit };
        options = options with { WholeValidation = Switch(settings, "wholeValidation") ?? options.WholeValidation };

        options = options with { Tf32 = Switch(settings, "tf32") ?? options.Tf32 };
        options = options with { CudaGraph = Switch(settings, "cudaGraph") ?? options.CudaGraph };

        options = options with { StopOn = Choice<StoppingMeasure>(settings, "stopOn", "logLoss or auc") ?? options.StopOn };
        options = options with { EmbeddingUpdates = Choice<EmbeddingUpdates>(settings, "embeddingUpdates", "dense or lazy") ?? options.EmbeddingUpdates };

        return options.Validated();
    }

    /// <exception cref="InputException">A value is out of its bounds.</exception>
    public TrainingOptions Validated()
    {
        Require(Batch is null or >= 1 and <= 1_000_000, "batch", Batch ?? 0, "1 to 1,000,000 rows");
        Require(LearningRate is > 0 and <= 1, "learning rate", LearningRate, "above 0 and at most 1");
        Require(Epochs is >= 1 and <= 10_000, "number of epochs", Epochs, "1 to 10,000");
        Require(Averaging is >= 0 and <= 10, "averaging", Averaging, "0 to 10 epochs");
        Require(Patience is >= 1 and <= 1_000, "patience", Patience, "1 to 1,000 epochs");
        RefuseOnCpu(Tf32, "tf32");
        RefuseOnCpu(CudaGraph && !Resident, "cudaGraph");
        Require(Threads is null or >= 1 and <= 1_024, "number of threads", Threads ?? 0, "1 to 1,024");
        return this;
    }

    private void RefuseOnCpu(bool given, string key)
    {
        if (given && Device == "cpu")
        {
            throw new InputException($"The setting {key}=true is for a CUDA device and does nothing on the cpu; give --device cuda:0, or leave it out.");
        }
    }

    private static int? Whole(IDictionary<string, string> settings, string key)
    {
        if (!settings.Remove(key, out var text))
        {
            return null;
        }

        return int.TryParse(text, NumberStyles.Integer, CultureInfo.InvariantCulture, out var number) ? number : throw Refused(key, text, "a whole number");
    }

    private static double? Real(IDictionary<string, string> settings, string key)
    {
        if (!settings.Remove(key, out var text))
        {
            return null;
        }

        return double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) ? number : throw Refused(key, text, "a number");
    }

    private static bool? Switch(IDictionary<string, string> settings, string key)
    {
        if (!settings.Remove(key, out var text))
        {
            return null;
        }

        return bool.TryParse(text, out var yes) ? yes : throw Refused(key, text, "true or false");
    }

    private static TEnum? Choice<TEnum>(IDictionary<string, string> settings, string key, string choices) where TEnum : struct, Enum
    {
        if (!settings.Remove(key, out var text))
        {
            return null;
        }

        return Enum.TryParse<TEnum>(text, ignoreCase: true, out var choice) && Enum.IsDefined(choice) ? choice : throw Refused(key, text, choices);
    }

    private static InputException Refused(string key, string text, string wanted) => new($"The setting {key}={text} cannot be used; it must be {wanted}.");

    private static void Require(bool holds, string name, double value, string bound)
    {
        if (!holds)
        {
            throw new InputException(FormattableString.Invariant($"The {name} {value} is out of bounds; it must be {bound}."));
        }
    }
}
