using FsCheck;
using FsCheck.Fluent;
using Microsoft.FSharp.Core;
using Pimm.Core.Statistics;

namespace Pimm.Core.Tests.Statistics.Properties;

/// <summary>A comparison that is valid, however odd.</summary>
public sealed record TwoArms(Proportion Control, Proportion Treatment)
{
    public TwoArms Swapped => new(Treatment, Control);

    public override string ToString() => $"{Control.Conversions}/{Control.N} against {Treatment.Conversions}/{Treatment.N}";
}

/// <summary>Two arms of values, at least two a group, that vary.</summary>
public sealed record TwoSamples(double[] Control, double[] Treatment)
{
    public TwoSamples Swapped => new(Treatment, Control);

    public TwoSamples Times(double factor) => new([.. Control.Select(x => x * factor)], [.. Treatment.Select(x => x * factor)]);

    public override string ToString() => $"[{string.Join(" ", Control)}] against [{string.Join(" ", Treatment)}]";
}

/// <summary>
/// Random valid input with a fixed seed: a property that fails fails again. PIMM_PROPERTY_SEED tries another seed,
/// PIMM_PROPERTY_RUNS more cases.
/// </summary>
public static class Given
{
    private const ulong Seed = 20260101;

    private const int Runs = 300;

    public static readonly Gen<double> Confidence = Gen.Choose(5010, 9995).Select(share => share / 10_000.0);

    /// <summary>Any count of customers from 1 to 10 million, small ones as often as large ones.</summary>
    public static readonly Gen<long> Customers = Gen.Choose(0, 7000).Select(log => (long)Math.Round(Math.Pow(10, log / 1000.0)));

    /// <summary>None, all, a few, or any rate down to one in a million.</summary>
    public static readonly Gen<Proportion> Arm =
        from n in Customers
        from conversions in Gen.OneOf(
            Gen.Constant(0L), Gen.Constant(n), Gen.Choose(0, 40).Select(few => Math.Min(few, n)),
            Gen.Choose(0, 6000).Select(log => (long)(n * Math.Pow(10, -log / 1000.0))))
        select new Proportion(n, conversions);

    public static readonly Gen<TwoArms> Arms = Gen.Two(Arm).Select(pair => new TwoArms(pair.Item1, pair.Item2));

    /// <summary>Some converted and some did not, in both arms.</summary>
    public static readonly Gen<TwoArms> OpenArms = Gen.Two(Arm.Where(arm => arm.Conversions > 0 && arm.Conversions < arm.N)).Select(pair => new TwoArms(pair.Item1, pair.Item2));

    public static readonly Gen<double> Value = Gen.Choose(-2000, 2000).Select(value => value / 100.0);

    public static readonly Gen<TwoSamples> Samples =
        from baseline in Gen.Elements(-50.0, 0, 0, 3, 1000)
        from control in Gen.Choose(2, 40).SelectMany(count => Gen.ArrayOf(Value, count)).Where(Varies)
        from treatment in Gen.Choose(2, 40).SelectMany(count => Gen.ArrayOf(Value, count)).Where(Varies)
        select new TwoSamples([.. control.Select(x => x + baseline)], [.. treatment.Select(x => x + baseline)]);

    public static void ForAll<T>(Gen<T> of, Action<T> holds) => Check.One(Reproducible, Prop.ForAll(Arb.From(of), holds));

    public static void ForAll<T, U>(Gen<T> of, Gen<U> and, Action<T, U> holds) =>
        ForAll(of.Zip(and), pair => holds(pair.Item1, pair.Item2));

    public static Moments MomentsOf(double[] values) => values.Aggregate(default(Moments), (moments, value) => moments.Plus(value));

    private static Config Reproducible => Config.QuickThrowOnFailure
        .WithReplay(FSharpOption<Replay>.Some(new Replay(new Rnd(Number("PIMM_PROPERTY_SEED", Seed)), FSharpOption<int>.None)))
        .WithMaxTest((int)Number("PIMM_PROPERTY_RUNS", Runs))
        .WithQuietOnSuccess(true);

    private static ulong Number(string variable, ulong fallback) =>
        ulong.TryParse(Environment.GetEnvironmentVariable(variable), out ulong number) ? number : fallback;

    private static bool Varies(double[] values) => values.Any(value => value != values[0]);
}
