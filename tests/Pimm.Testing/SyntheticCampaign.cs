using Pimm.Core.Simulating;

namespace Pimm.Testing;

/// <summary>Requests for simulated campaigns whose truth is known.</summary>
public static class SyntheticCampaign
{
    /// <summary>First waves lie so far back that every window is closed.</summary>
    public static readonly DateOnly Start = new(2026, 3, 2);

    /// <summary>Small and without training: two oracle rankings, done in seconds.</summary>
    public static DemoRequest Small(string world = "base", string control = "random", string treatment = "truth:good") =>
        new(world, Seed: 1, Customers: 6_000, HistoryRows: 3_000, ImpressionsPerDay: 60, Days: 3, WindowDays: 30, control, treatment, "best-of", Start, "");

    /// <summary>The world in which one campaign finds its effect: a random control against a trained PIMM.</summary>
    public static DemoRequest KnownLift() =>
        new("knownLift", Seed: 1, Customers: 200_000, HistoryRows: 160_000, ImpressionsPerDay: 2_000, Days: 5, WindowDays: 30, "random", "pimm", "best-of", Start, "");
}
