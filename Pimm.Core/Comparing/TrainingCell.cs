using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using Pimm.Core.Datasets;
using Pimm.Core.Training;

namespace Pimm.Core.Comparing;

/// <summary>One training of a comparison: everything in it can be written down, so that any process can do it.</summary>
/// <param name="Model">what the row of the comparison is called</param>
/// <param name="SplitNumber">which random split, from 1</param>
/// <param name="Sweep">only its validation loss counts; what its test rows say is not kept</param>
/// <param name="Rows">path of the split's snapshot</param>
public sealed record TrainingCell(
    string Model, string Network, SortedDictionary<string, string> Settings, int SplitNumber, bool Sweep, TrainingOptions Options, string Rows)
{
    private static readonly JsonSerializerOptions Layout = new(JsonSerializerDefaults.Web) { Converters = { new JsonStringEnumConverter() } };

    /// <summary>
    /// The name of its result: readable parts, and a hash of all that was asked for. What else decides the outcome (defaults, the
    /// rows themselves) stands in the result, and <see cref="ComparisonFolder.Find"/> looks at it.
    /// </summary>
    public string Key()
    {
        var decisive = JsonSerializer.Serialize(new { Network, Settings, SplitNumber, Sweep, Options }, Layout);
        var hash = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(decisive)))[..12];
        return FormattableString.Invariant($"{SplitNumber:00}-{Network}-{Options.Seed}-{hash}{(Sweep ? "-sweep" : "")}");
    }

    public string ToJson() => JsonSerializer.Serialize(this, Layout);

    /// <exception cref="JsonException">The text is no cell.</exception>
    public static TrainingCell FromJson(string json) => JsonSerializer.Deserialize<TrainingCell>(json, Layout)
        ?? throw new JsonException("An empty cell.");

    /// <summary>Trains it and writes its result into the folder: predictions first, then the description under its final name.</summary>
    /// <exception cref="InputException">The network refuses a setting or the data.</exception>
    public void Run(TrainModel train, string folder, CancellationToken cancellationToken)
    {
        using var data = Snapshot.Open(Rows);
        var model = train.Run(new TrainingRequest(Network, Settings, Options), data, _ => { }, cancellationToken);
        var result = new CellResult(Path.Combine(folder, Key()), Sweep ? WithoutTest(model.Description) : model.Description);
        if (!Sweep)
        {
            using var predictor = new Predictor(model);
            result.WritePredictions(predictor.Predict(data.IdsOf(data.RowsOf(Split.Test))));
        }

        result.Write();
    }

    private static ModelDescription WithoutTest(ModelDescription model) =>
        model with { Test = [], OrderViolations = 0, Curves = null, Slices = null, AmountTest = null };
}
