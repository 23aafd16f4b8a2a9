using System.Text.Json;
using Pimm.Core;
using Pimm.Jobs.CommandLine;
using Pimm.Jobs.CommandLine.Statistics;
using Shouldly;
using Xunit;

namespace Pimm.Jobs.Tests;

/// <summary>What `stats` answers before, during and around an experiment: planning, always-valid bounds, posterior, increments, balance, AUC.</summary>
public sealed class StatsPlanningTests
{
    private const string Arms = "\"control\":{\"n\":50000,\"conversions\":420},\"treatment\":{\"n\":50100,\"conversions\":505}";
    private const string Wave = "\"exported\":{\"n\":2000,\"conversions\":60},\"heldBack\":{\"n\":200,\"conversions\":4}";

    [Theory]
    [InlineData("sequential", "{" + Arms + ",\"plannedTotal\":120000}", "estimate,standardError,lower,upper,p,multiplier")]
    [InlineData("sequential-counts", "{" + Arms + ",\"plannedConversions\":800}", "estimate,eValue,lower,upper,p")]
    [InlineData("increment", "{" + Wave + "}", "perThousand,standardError,lower,upper")]
    [InlineData("power", """{"baseline":0.02,"lift":0.05,"power":0.8}""", "power,sampleSize,minimumDetectableLift")]
    [InlineData("power", """{"mean":5,"variance":4,"n":1000}""", "power,sampleSize,minimumDetectableLift")]
    [InlineData("power", """{"baseline":0.02,"lift":0.05,"perDay":20000,"sequential":true}""", "power,sampleSize,minimumDetectableLift,days,expectedDays")]
    [InlineData("false-positive-risk", """{"nullShare":0.9,"power":0.8,"p":0.05}""", "risk")]
    [InlineData("rerandomize", """{"covariates":3,"acceptance":0.01}""", "threshold,varianceRatio")]
    [InlineData("balance", """{"control":[[1],[2]],"treatment":[[2],[4]]}""", "mahalanobis,p,standardizedDifferences")]
    [InlineData("posterior", "{" + Arms + "}", "estimate,standardError,lower,upper,chanceToWin,risk")]
    [InlineData("auc", """{"labels":[0,1],"scores":[1,1]}""", "auc")]
    public void Answers_have_the_promised_fields(string name, string input, string fields) =>
        string.Join(',', Answer(name, input).EnumerateObject().Select(field => field.Name)).ShouldBe(fields);

    [Fact]
    public void The_log_scale_is_the_default_of_proportions_and_the_relative_of_means()
    {
        // The formulas of gbstats on ln RR, by hand in Python.
        JsonElement log = Answer("sequential", "{" + Arms + ",\"plannedTotal\":120000}");
        Number(log, "lower").ShouldBe(-0.01729807337368372, 1e-9);
        Number(log, "upper").ShouldBe(0.4653012661379359, 1e-9);
        Number(log, "p").ShouldBe(0.09772835338933912, 1e-9);
        Number(Answer("sequential", "{" + Arms + ",\"plannedTotal\":120000,\"scale\":\"relative\"}"), "lower").ShouldNotBe(Number(log, "lower"));
        const string means = "\"control\":{\"n\":100,\"sum\":500,\"sumSquares\":3000},\"treatment\":{\"n\":100,\"sum\":550,\"sumSquares\":3500}";
        Answer("sequential", "{" + means + ",\"plannedTotal\":300}").GetRawText().ShouldBe(Answer("sequential", "{" + means + ",\"plannedTotal\":300,\"scale\":\"relative\"}").GetRawText());
        Should.Throw<InputException>(() => Answer("sequential", "{" + means + ",\"plannedTotal\":300,\"scale\":\"log-risk-ratio\"}"));
    }

    [Fact]
    public void A_given_estimate_is_bounded_by_the_published_multiplier()
    {
        JsonElement answer = Answer("sequential", """{"n":20000,"estimate":0.1,"standardError":0.02,"plannedTotal":10000}""");
        Number(answer, "multiplier").ShouldBe(3.061477218867417, 1e-10);
        Number(answer, "upper").ShouldBe(0.1 + 0.02 * 3.061477218867417, 1e-10);
        Answer("sequential", """{"n":20000,"estimate":0.1,"standardError":0.02,"plannedTotal":10000,"alternative":"greater"}""").GetProperty("upper").GetString().ShouldBe("Infinity");
    }

    [Fact]
    public void A_given_log_ratio_is_a_logarithm_and_its_answer_a_lift()
    {
        // ln 1.2 and its error; exp(.182… ± 3.0614772·.02) − 1.
        JsonElement answer = Answer("sequential", """{"n":20000,"estimate":0.1823215567939546,"standardError":0.02,"plannedTotal":10000,"scale":"log-risk-ratio"}""");
        Number(answer, "estimate").ShouldBe(0.2, 1e-12);
        Number(answer, "standardError").ShouldBe(0.024, 1e-12);
        Number(answer, "lower").ShouldBe(1.2 * Math.Exp(-0.02 * 3.061477218867417) - 1, 1e-9);
        Number(answer, "upper").ShouldBe(1.2 * Math.Exp(0.02 * 3.061477218867417) - 1, 1e-9);
    }

    [Fact]
    public void A_lift_on_the_other_side_has_a_power_and_no_sample_size()
    {
        JsonElement answer = Answer("power", """{"baseline":0.02,"lift":-0.1,"n":1000,"alternative":"greater"}""");
        Number(answer, "power").ShouldBeLessThan(0.05);
        answer.GetProperty("sampleSize").ValueKind.ShouldBe(JsonValueKind.Null);
        answer.GetProperty("note").GetString()!.ShouldContain("-0.1");
        Should.Throw<InputException>(() => Answer("power", """{"baseline":0.02,"lift":-0.1,"alternative":"greater"}""")).Message.ShouldContain("-0.1");
    }

    [Fact]
    public void Negative_means_are_planned_as_they_are_measured()
    {
        // cdf(δ/SE − z) + cdf(−δ/SE − z) with SE = √(100/60·(1 + .8²))/10, and 1.2 for the loss.
        Number(Answer("power", """{"mean":-10,"variance":100,"lift":0.2,"n":60}"""), "power").ShouldBe(0.22731594262422528, 1e-9);
        Number(Answer("power", """{"mean":-10,"variance":100,"lift":-0.2,"n":60}"""), "power").ShouldBe(0.16805357953221173, 1e-9);
        // (norm.ppf(.95) + norm.ppf(.8))·√2.
        Number(Answer("power", """{"mean":1,"variance":100,"n":100,"method":"absolute","alternative":"less"}"""), "minimumDetectableLift").ShouldBe(-3.5164064702533366, 1e-8);
    }

    [Fact]
    public void One_sided_counts_are_cautious_and_point_one_way()
    {
        JsonElement both = Answer("sequential-counts", "{" + Arms + ",\"plannedConversions\":800}");
        JsonElement greater = Answer("sequential-counts", "{" + Arms + ",\"plannedConversions\":800,\"alternative\":\"greater\"}");
        Number(greater, "lower").ShouldBe(Number(both, "lower"));
        Number(greater, "p").ShouldBe(Number(both, "p"));
        JsonElement less = Answer("sequential-counts", "{" + Arms + ",\"plannedConversions\":800,\"alternative\":\"less\"}");
        (Number(less, "lower"), Number(less, "p")).ShouldBe((-1, 1));
        JsonElement few = Answer("sequential-counts", """{"control":{"n":100,"conversions":3},"treatment":{"n":100,"conversions":20},"plannedConversions":50}""");
        few.GetProperty("eValue").ValueKind.ShouldBe(JsonValueKind.Null);
        few.GetProperty("note").GetString()!.ShouldContain("10 conversions");
    }

    [Fact]
    public void The_sequential_planner_asks_for_1_72_million_customers_and_the_fixed_one_for_0_65()
    {
        Number(Answer("power", """{"baseline":0.02,"lift":0.05,"power":0.8,"sequential":true,"plannedTotal":5000}"""), "sampleSize").ShouldBe(861_126);
        Number(Answer("power", """{"baseline":0.02,"lift":0.05,"power":0.8}"""), "sampleSize").ShouldBe(323_444, 2);
        // (z(1 − α/(2(k − 1))) + z(.8))²·(p₁(1 − p₁) + p₂(1 − p₂))/(p₁δ)², scipy.
        Number(Answer("power", """{"baseline":0.02,"lift":0.1,"groups":3,"method":"absolute"}"""), "sampleSize").ShouldBe(97_703);
        Number(Answer("power", """{"baseline":0.02,"lift":0.1,"n":50000}"""), "power").ShouldBe(0.574899194994149, 1e-9);
    }

    [Fact]
    public void The_hold_back_share_makes_the_standard_error_that_of_the_design_unless_the_counts_contradict_it()
    {
        // 1000·√(p₁(1−p₁)/N + p₀(1−p₀)(1−h)/(hN)) at p₁ = .03, p₀ = .02, N = 2000, h = .1, in Python.
        Number(Answer("increment", "{" + Wave + ",\"holdBackShare\":0.1}"), "standardError").ShouldBe(10.136567466356647, 1e-9);
        Number(Answer("increment", "{\"waves\":[{" + Wave + "}],\"holdBackShare\":0.1}"), "standardError").ShouldBe(10.136567466356647, 1e-9);
        double counted = 1000 * Math.Sqrt(0.03 * 0.97 / 2000 + 0.02 * 0.98 / 200);
        Number(Answer("increment", "{" + Wave + "}"), "standardError").ShouldBe(counted, 1e-9);
        JsonElement other = Answer("increment", "{" + Wave + ",\"holdBackShare\":0.3}");
        Number(other, "standardError").ShouldBe(counted, 1e-9);
        other.GetProperty("note").GetString()!.ShouldContain("0.3");
        Number(Answer("increment", "{" + Wave + ",\"delivered\":1000}"), "perThousand").ShouldBe(20, 1e-9);
    }

    [Fact]
    public void What_is_defined_but_empty_is_null_with_a_note()
    {
        Answer("power", """{"baseline":0,"lift":0.05}""").GetProperty("note").GetString()!.ShouldContain("zero");
        Answer("posterior", """{"control":{"n":100,"conversions":0},"treatment":{"n":100,"conversions":5}}""").GetProperty("note").GetString()!.ShouldContain("zero");
        Answer("auc", """{"labels":[1,1],"scores":[1,2]}""").GetProperty("note").GetString()!.ShouldContain("class");
        Answer("balance", """{"control":[[1],[1]],"treatment":[[1],[1]]}""").GetProperty("note").GetString()!.ShouldContain("varies");
        Answer("false-positive-risk", """{"nullShare":1,"power":0.8,"p":0}""").GetProperty("note").GetString()!.ShouldContain("found");
        Answer("increment", "{" + Wave + ",\"delivered\":0}").GetProperty("note").GetString()!.ShouldContain("delivered");
        Answer("rerandomize", """{"covariates":2,"acceptance":1}""").GetProperty("threshold").GetString().ShouldBe("Infinity");
    }

    [Theory]
    [InlineData("sequential", "{" + Arms + "}", "plannedTotal")]
    [InlineData("sequential", "{" + Arms + ",\"plannedTotal\":0}", "0")]
    [InlineData("sequential", """{"n":100,"estimate":1,"standardError":-1,"plannedTotal":10}""", "standardError")]
    [InlineData("sequential-counts", "{" + Arms + ",\"plannedConversions\":-5}", "-5")]
    [InlineData("increment", """{"exported":{"n":5,"conversions":6},"heldBack":{"n":5,"conversions":1}}""", "exported")]
    [InlineData("increment", "{" + Wave + ",\"holdBackShare\":1}", "1")]
    [InlineData("power", """{"baseline":1.2,"lift":0.05}""", "1.2")]
    [InlineData("power", """{"baseline":0.02}""", "lift")]
    [InlineData("power", """{"lift":0.02}""", "baseline")]
    [InlineData("power", """{"baseline":0.02,"mean":1,"variance":1,"lift":0.1}""", "baseline")]
    [InlineData("power", """{"mean":1,"variance":-1,"lift":0.1}""", "-1")]
    [InlineData("power", """{"baseline":0.02,"lift":0.1,"groups":1}""", "groups")]
    [InlineData("power", """{"baseline":0.02,"lift":0.1,"power":1}""", "1")]
    [InlineData("power", """{"baseline":0.02,"lift":0.1,"perDay":0}""", "perDay")]
    [InlineData("false-positive-risk", """{"nullShare":2,"power":0.8,"p":0.05}""", "2")]
    [InlineData("rerandomize", """{"covariates":0,"acceptance":0.1}""", "covariates")]
    [InlineData("rerandomize", """{"covariates":1,"acceptance":0}""", "acceptance")]
    [InlineData("balance", """{"control":[[1,2],[1]],"treatment":[[1,2]]}""", "control[1]")]
    [InlineData("balance", """{"control":[],"treatment":[[1,2]]}""", "control")]
    [InlineData("posterior", "{" + Arms + ",\"prior\":{\"mean\":0,\"variance\":0}}", "variance")]
    [InlineData("auc", """{"labels":[0,2],"scores":[1,2]}""", "labels[1]")]
    [InlineData("auc", """{"labels":[0,1],"scores":[1,2],"weights":[1,-1]}""", "-1")]
    public void What_is_impossible_is_refused_with_the_field_or_the_value(string name, string input, string named) =>
        Should.Throw<InputException>(() => Answer(name, input)).Message.ShouldContain(named);

    private static double Number(JsonElement answer, string field) => answer.GetProperty(field).GetDouble();

    private static JsonElement Answer(string name, string input)
    {
        var function = StatsCatalogue.All.Single(function => function.Name == name);
        StatsInput given = StatsInput.Parse(input);
        given.CheckNames(function);
        return JsonDocument.Parse(JsonSerializer.Serialize(function.Compute(given), Invocation.JsonFormat)).RootElement;
    }
}
