namespace Pimm.Core.Statistics;

/// <summary>One experiment of many.</summary>
/// <param name="SampleRatioP">p of its sample ratio check, failed below <see cref="SampleRatio.Alarm"/>; null where it has none (exact blocks)</param>
public sealed record PooledExperiment(string Name, Proportion Control, Proportion Treatment, double? SampleRatioP);

/// <summary>
/// The lifts of several experiments as one: the mean of their log risk ratios, weighted by 1/variance (Woolf 1955; fixed
/// effect: the answer to what these experiments did, not to what the next one will). An experiment whose sample ratio failed
/// compares arms that are not alike and stays out, by name; so does one without conversions in an arm.
/// </summary>
/// <param name="Used">the names of those pooled</param>
/// <param name="LeftOut">name and reason of each other</param>
public sealed record PooledLift(Estimate Lift, IReadOnlyList<string> Used, IReadOnlyList<(string Name, string Reason)> LeftOut)
{
    private const string Method = "pooled-log-risk-ratio";

    public static PooledLift Of(IReadOnlyList<PooledExperiment> experiments, double confidence = 0.95)
    {
        double z = Estimate.CriticalValue(confidence), weights = 0, sum = 0;
        var used = new List<string>();
        var leftOut = new List<(string, string)>();
        foreach (PooledExperiment experiment in experiments)
        {
            Estimate lift = LogRiskRatio.Lift(experiment.Control, experiment.Treatment, confidence).Estimate;
            if (Refused(experiment, lift) is { } reason)
            {
                leftOut.Add((experiment.Name, reason));
                continue;
            }
            double ratio = 1 + lift.Value!.Value, error = lift.StandardError!.Value / ratio;
            weights += 1 / (error * error);
            sum += Math.Log(ratio) / (error * error);
            used.Add(experiment.Name);
        }
        if (used.Count == 0)
            return new(Estimate.Unavailable(Method, "No experiment is left to pool."), used, leftOut);
        double pooled = Math.Exp(sum / weights), deviation = 1 / Math.Sqrt(weights), factor = Math.Exp(z * deviation);
        string? note = leftOut.Count == 0 ? null : $"Left out: {string.Join(", ", leftOut.Select(one => one.Item1))}.";
        return new(new Estimate(pooled - 1, pooled * deviation, pooled / factor - 1, pooled * factor - 1, Method, note), used, leftOut);
    }

    private static string? Refused(PooledExperiment experiment, Estimate lift) =>
        experiment.SampleRatioP < SampleRatio.Alarm ? FormattableString.Invariant($"Its sample ratio failed (p = {experiment.SampleRatioP:0.0e+0}), so its arms are not alike.")
        : lift.Value is null || lift.StandardError is null ? lift.Note ?? "It has no lift."
        : lift.StandardError == 0 ? "Everybody converted in both arms." : null;
}
