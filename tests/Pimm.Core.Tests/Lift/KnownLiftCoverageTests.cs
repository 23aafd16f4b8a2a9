using Pimm.Core.Allocating;
using Pimm.Core.Simulating;
using Pimm.Core.Statistics;
using Shouldly;
using Xunit;

namespace Pimm.Core.Tests.Lift;

public sealed class KnownLiftCoverageTests
{
    private const int Repetitions = 2000;
    private static readonly Lazy<RepeatedCampaign> KnownLift = new(() => new RepeatedCampaign(MarketWorld.KnownLift, seed: 21));

    [Fact]
    public void Intervals_cover_the_truth_as_often_as_they_promise()
    {
        Repetition[] runs = KnownLift.Value.Repeat(Repetitions);
        double truth = runs.Average(run => run.TrueExtra);
        Tell(runs, truth);
        truth.ShouldBe(18.3, 0.5);
        Covered(runs, run => run.Extra, truth).ShouldBeInRange(1872, 1928);
        Covered(runs, run => run.Disagreement, truth).ShouldBeInRange(1872, 1928);
        Covered(runs, run => run.IncrementControl, runs.Average(run => run.TrueIncrementControl)).ShouldBeInRange(1872, 1928);
        Covered(runs, run => run.IncrementTreatment, runs.Average(run => run.TrueIncrementTreatment)).ShouldBeInRange(1872, 1928);
        runs.Average(run => run.Disagreement.Value!.Value / run.Disagreement.StandardError!.Value).ShouldBe(6.8, 0.4);
        MeanOf(runs, run => run.Extra).ShouldBeWithin(3, truth);
        MeanOf(runs, run => run.Disagreement).ShouldBeWithin(3, truth);
    }

    [Fact]
    public void Where_the_ad_does_nothing_only_delivered_lift_sees_an_effect()
    {
        Repetition[] runs = new RepeatedCampaign(MarketWorld.Null, seed: 22).Repeat(512);
        runs.ShouldAllBe(run => run.TrueExtra == 0);
        MeanOf(runs, run => run.Extra).ShouldBeWithin(3, 0);
        MeanOf(runs, run => run.Disagreement).ShouldBeWithin(3, 0);
        MeanOf(runs, run => run.IncrementControl).ShouldBeWithin(3, 0);
        MeanOf(runs, run => run.IncrementTreatment).ShouldBeWithin(3, 0);
        MonteCarlo delivered = MeanOf(runs, run => run.DeliveredLift);
        delivered.Mean.ShouldBeInRange(0.09, 0.15);
        (delivered.Mean / delivered.Error).ShouldBeGreaterThan(10);
    }

    [Fact]
    public void The_repetitions_select_as_the_wave_selector_does()
    {
        RepeatedCampaign campaign = KnownLift.Value;
        byte[] arms = campaign.Arms(5);
        byte[][] plans = campaign.Plans(5, arms);
        int[][] members = [Of(0), Of(1)];
        ArmState[] states = members.Select(m => new ArmState(new ArmCustomers(Pick(campaign.Keys, m),
            Scores(campaign, Arm.Control, m), Scores(campaign, Arm.Treatment, m), RepeatedCampaign.Salts(5)))).ToArray();
        WavePlan wave = WaveSelector.PlanWave(states[0], states[1], 0, campaign.Impressions, 0);
        foreach ((ArmWave arm, int[] positions) in new[] { (wave.Control, members[0]), (wave.Treatment, members[1]) })
            foreach (PolicyPlan plan in new[] { arm.Own, arm.Shadow })
            {
                plan.Members.ShouldAllBe(m => plans[(int)plan.Policy][positions[m.Customer]] == (byte)m.Action);
                positions.Count(i => plans[(int)plan.Policy][i] != 0).ShouldBe(plan.Members.Count);
            }

        int[] Of(byte arm) => Enumerable.Range(0, arms.Length).Where(i => arms[i] == arm).ToArray();
    }

    private static void Tell(Repetition[] runs, double truth)
    {
        foreach ((string name, Func<Repetition, Estimate> of, double value) in new (string, Func<Repetition, Estimate>, double)[]
        {
            ("headline", run => run.Extra, truth), ("disagreement set", run => run.Disagreement, truth),
            ("increment control", run => run.IncrementControl, runs.Average(run => run.TrueIncrementControl)),
            ("increment treatment", run => run.IncrementTreatment, runs.Average(run => run.TrueIncrementTreatment)),
        })
            TestContext.Current.TestOutputHelper?.WriteLine(string.Create(System.Globalization.CultureInfo.InvariantCulture,
                $"{name}: truth {value:0.000}, mean {MeanOf(runs, of).Mean:0.000} ± {MeanOf(runs, of).Error:0.000}, standard error {runs.Average(run => of(run).StandardError):0.000}, covered {Covered(runs, of, value)} of {runs.Length}"));
    }

    private static T[] Pick<T>(T[] values, int[] positions) => Array.ConvertAll(positions, i => values[i]);

    private static float[] Scores(RepeatedCampaign of, Arm policy, int[] positions) => Array.ConvertAll(positions, i => (float)of.Scores(policy)[i]);

    private static int Covered(Repetition[] runs, Func<Repetition, Estimate> of, double truth) => runs.Count(run => of(run).Excludes(truth) == false);

    private static MonteCarlo MeanOf(Repetition[] runs, Func<Repetition, Estimate> of)
    {
        Moments moments = runs.Aggregate(default(Moments), (m, run) => m.Plus(of(run).Value!.Value));
        return new MonteCarlo(moments.Mean!.Value, Math.Sqrt(moments.Variance!.Value / runs.Length));
    }

    private sealed record MonteCarlo(double Mean, double Error)
    {
        public void ShouldBeWithin(double errors, double truth) => Mean.ShouldBe(truth, errors * Error);
    }
}
