using System.Text.Json;
using Pimm.Jobs.CommandLine;
using Pimm.Jobs.CommandLine.Statistics;
using Shouldly;
using Xunit;

namespace Pimm.Jobs.Tests;

/// <summary>`stats`, in this process: what goes in and comes out of every function.</summary>
public sealed class StatsTests
{
    private const string Proportions = "\"control\":{\"n\":1000,\"conversions\":50},\"treatment\":{\"n\":1000,\"conversions\":65}";
    private const string Means = "\"control\":{\"n\":100,\"sum\":500,\"sumSquares\":3000},\"treatment\":{\"n\":100,\"sum\":550,\"sumSquares\":3500}";
    private const string Ratios = "\"control\":{\"n\":100,\"numerator\":50,\"numeratorSquares\":60,\"denominator\":200,\"denominatorSquares\":500,\"cross\":110},\"treatment\":{\"n\":100,\"numerator\":60,\"numeratorSquares\":75,\"denominator\":210,\"denominatorSquares\":520,\"cross\":135}";

    public static TheoryData<string> Functions => [.. StatsCatalogue.All.Select(function => function.Name)];

    [Theory]
    [MemberData(nameof(Functions))]
    public async Task Every_sample_works_and_help_shows_it(string name)
    {
        var function = StatsCatalogue.All.Single(function => function.Name == name);

        (await Answer(name, function.Sample)).EnumerateObject().ShouldNotBeEmpty();
        (await Run("", name, "--help")).Output.ShouldContain(function.Sample);
        foreach (var field in JsonDocument.Parse(function.Sample).RootElement.EnumerateObject())
            function.Fields.ShouldContain(field.Name);
    }

    [Theory]
    [InlineData("srm", """{"observed":[10000,10300],"weights":[1,1]}""", "p,statistic,flag")]
    [InlineData("srm-sequential", """{"rows":[[10,12]],"weights":[1,1]}""", "logBayesFactor,p")]
    [InlineData("proportion", """{"n":1000,"conversions":24}""", "estimate,lower,upper")]
    [InlineData("difference", "{" + Proportions + "}", "estimate,standardError,lower,upper,p")]
    [InlineData("lift", "{" + Proportions + "}", "estimate,standardError,lower,upper,p")]
    [InlineData("test", "{" + Proportions + "}", "p")]
    [InlineData("adjust", """{"p":[0.01,0.02]}""", "adjusted")]
    public async Task Answers_have_the_promised_fields(string name, string input, string fields) =>
        string.Join(',', (await Answer(name, input)).EnumerateObject().Select(field => field.Name)).ShouldBe(fields);

    [Theory]
    [InlineData("srm", """{"observed":[10000,10300],"weights":[1,1],"method":"METHOD"}""", "chi-square", "binomial", "normal", "normal-corrected")]
    [InlineData("proportion", """{"n":1000,"conversions":24,"method":"METHOD"}""", "wilson", "clopper-pearson", "jeffreys", "agresti-coull", "wald")]
    [InlineData("difference", "{" + Proportions + ",\"method\":\"METHOD\"}", "newcombe", "wald", "agresti-caffo", "miettinen-nurminen")]
    [InlineData("difference", "{" + Means + ",\"method\":\"METHOD\"}", "welch")]
    [InlineData("lift", "{" + Proportions + ",\"method\":\"METHOD\"}", "log-risk-ratio", "log-risk-ratio-adjusted", "koopman", "delta", "fieller")]
    [InlineData("lift", "{" + Means + ",\"method\":\"METHOD\"}", "delta", "fieller")]
    [InlineData("lift", "{" + Ratios + ",\"method\":\"METHOD\"}", "delta", "fieller")]
    [InlineData("test", "{" + Proportions + ",\"method\":\"METHOD\"}", "fisher", "barnard", "boschloo", "pearson", "pearson-yates", "g")]
    [InlineData("adjust", """{"p":[0.01,0.02,0.5],"method":"METHOD"}""", "holm", "bonferroni", "holm-sidak", "hochberg", "bh", "by")]
    public async Task Every_method_gives_an_answer_of_its_own_and_another_is_refused(string name, string input, params string[] methods)
    {
        var answers = new List<string>();
        foreach (var method in methods)
            answers.Add((await Answer(name, input.Replace("METHOD", method, StringComparison.Ordinal))).GetRawText());

        // Two adjustments of three p-values may coincide, and score and wald round apart.
        answers.Distinct().Count().ShouldBeGreaterThanOrEqualTo(Math.Min(methods.Length, name == "adjust" ? 4 : methods.Length));
        (await Run(input.Replace("METHOD", "guess", StringComparison.Ordinal), name)).ShouldSatisfyAllConditions(
            ran => ran.ExitCode.ShouldBe(ExitCode.WrongInput), ran => ran.Error.ShouldStartWith($"method is \"guess\"; give one of: {methods[0]}"));
    }

    [Theory]
    [InlineData("lift", "{" + Proportions + ",\"alternative\":\"greater\"}", null, "Infinity")]
    [InlineData("lift", "{" + Proportions + ",\"alternative\":\"less\"}", -1.0, null)]
    [InlineData("lift", "{" + Proportions + ",\"alternative\":\"less\",\"method\":\"koopman\"}", -1.0, null)]
    [InlineData("difference", "{" + Proportions + ",\"alternative\":\"greater\"}", null, "1")]
    [InlineData("difference", "{" + Means + ",\"alternative\":\"greater\"}", null, "Infinity")]
    [InlineData("proportion", """{"n":1000,"conversions":24,"alternative":"less"}""", 0.0, null)]
    public async Task One_side_leaves_the_other_at_the_end_of_what_is_possible(string name, string input, double? lower, string? upper)
    {
        var answer = await Answer(name, input);

        if (lower is { } end)
            answer.GetProperty("lower").GetDouble().ShouldBe(end);
        else
            answer.GetProperty("upper").ToString().ShouldBe(upper);
    }

    [Fact]
    public async Task A_one_sided_p_is_half_the_two_sided_and_confidence_widens()
    {
        double P(JsonElement answer) => answer.GetProperty("p").GetDouble();
        double Lower(JsonElement answer) => answer.GetProperty("lower").GetDouble();

        var both = await Answer("lift", "{" + Proportions + "}");
        var greater = await Answer("lift", "{" + Proportions + ",\"alternative\":\"greater\"}");
        var wider = await Answer("lift", "{" + Proportions + ",\"confidence\":0.99}");

        P(greater).ShouldBe(P(both) / 2, 1e-12);
        Lower(wider).ShouldBeLessThan(Lower(both));
        Lower(greater).ShouldBeGreaterThan(Lower(both));
    }

    [Fact]
    public async Task Cuped_shows_both_effects_theta_what_it_saved_and_the_covariates_balance()
    {
        var answer = await Answer("cuped", StatsCatalogue.All.Single(function => function.Name == "cuped").Sample);

        answer.EnumerateObject().Select(field => field.Name).ShouldBe(
            ["estimate", "standardError", "lower", "upper", "p", "theta", "varianceReduction", "unadjusted", "covariateImbalanceP"]);
        answer.GetProperty("unadjusted").GetProperty("estimate").GetDouble().ShouldBe(0.1, 1e-12);
    }

    [Theory]
    [InlineData("lift", "{\"control\":{\"n\":100,\"conversions\":0},\"treatment\":{\"n\":100,\"conversions\":5}}", "conversions")]
    [InlineData("lift", "{\"control\":{\"n\":100,\"sum\":0,\"sumSquares\":10},\"treatment\":{\"n\":100,\"sum\":5,\"sumSquares\":10}}", "zero")]
    public async Task A_zero_baseline_gives_null_and_says_why(string name, string input, string reason)
    {
        var answer = await Answer(name, input);

        foreach (var part in new[] { "estimate", "lower", "upper", "p" })
            answer.GetProperty(part).ValueKind.ShouldBe(JsonValueKind.Null);
        answer.GetProperty("note").GetString()!.ShouldContain(reason);
    }

    [Theory]
    [InlineData("srm", "", "The input is empty; give one JSON object on standard input, such as --help shows.")]
    [InlineData("srm", "[1]", "The input is an array, not a JSON object; give one object such as --help shows.")]
    [InlineData("srm", "{\"observed\":[NaN,1]}", "The input is not valid JSON (line 1, byte 14); give one JSON object, without NaN and comments.")]
    [InlineData("srm", "{\"observd\":[1,2]}", "srm has no field observd; it has observed, weights, method, threshold, confidence, alternative.")]
    [InlineData("sequential", "{" + Proportions + ",\"plannedTotal\":2000,\"groups\":3}", "sequential has no field groups; it has control, treatment, n, estimate, standardError, plannedTotal, scale, confidence, alternative.")]
    [InlineData("lift", "{\"control\":{\"n\":3,\"conversions\":1},\"treatment\":{\"n\":3,\"conversion\":1}}", "There is no field treatment.conversion; inside it may be n, conversions, sum, sumSquares, numerator, numeratorSquares, denominator, denominatorSquares, cross.")]
    [InlineData("proportion", "{\"n\":100,\"n\":10,\"conversions\":1}", "n is given twice; give it once.")]
    [InlineData("lift", "{\"control\":{\"n\":3,\"conversions\":1,\"n\":4},\"treatment\":{\"n\":3,\"conversions\":1}}", "control.n is given twice; give it once.")]
    [InlineData("srm", "{\"observed\":[1],\"weights\":[1]}", "1 count was given with 1 weight; give at least two counts and one weight for each.")]
    [InlineData("srm", "{\"observed\":[1,2],\"weights\":[1e308,1e308]}", "The weights sum to more than a double can hold; give smaller ones of the same proportions.")]
    [InlineData("srm", "{\"observed\":[9007199254740992,9007199254740992],\"weights\":[1,1]}", "The counts sum to 1.8014e+16, more than can be compared; give at most 2^53 customers in all.")]
    [InlineData("srm-sequential", "{\"rows\":[[1,2]],\"weights\":[1,1],\"prior\":[1,0]}", "Number 2 of the prior is 0; give positive, finite numbers, for example 10000 times the planned share.")]
    [InlineData("cuped", "{\"control\":{\"n\":1,\"sum\":1,\"sumSquares\":1,\"pre\":1,\"preSquares\":1,\"cross\":1},\"treatment\":{\"n\":3,\"sum\":1,\"sumSquares\":1,\"pre\":1,\"preSquares\":1,\"cross\":1}}", "control: An arm has 1 customer; an adjustment needs at least two in each.")]
    [InlineData("srm", "{\"observed\":[1,2]}", "weights is missing; see --help for a sample.")]
    [InlineData("srm", "{\"observed\":[1,2.5],\"weights\":[1,1]}", "observed[1] is 2.5; give a whole number from 0 to 2^53.")]
    [InlineData("srm", "{\"observed\":[1,2],\"weights\":[1,\"1\"]}", "weights[1] is the text \"1\"; give a number.")]
    [InlineData("srm", "{\"observed\":[1,2],\"weights\":[1,-1]}", "Weight 2 is -1; every weight must be positive and finite: leave out groups that expect nobody.")]
    [InlineData("srm", "{\"observed\":[1,2],\"weights\":[1,1],\"threshold\":1}", "threshold is 1; give a p-value, a fraction above 0 and below 1 such as 0.001.")]
    [InlineData("proportion", "{\"n\":0,\"conversions\":0}", "n is 0; give a whole number from 1 to 2^53.")]
    [InlineData("proportion", "{\"n\":3,\"conversions\":4}", "4 conversions among 3 customers are impossible; conversions must lie between 0 and the number of customers.")]
    [InlineData("proportion", "{\"n\":3,\"conversions\":1,\"confidence\":1}", "Confidence 1 is outside (0, 1); give a fraction, for example 0.95 for 95 %.")]
    [InlineData("proportion", "{\"n\":3,\"conversions\":1,\"confidence\":95}", "Confidence 95 is outside (0, 1); give a fraction, for example 0.95 for 95 %.")]
    [InlineData("increment", "{\"waves\":[]}", "There are no waves; give at least one with exported and heldBack.")]
    [InlineData("increment", "{\"waves\":[{\"exported\":{\"n\":100,\"conversions\":6},\"heldBack\":{\"n\":10,\"conversions\":1},\"delivered\":500}]}", "waves[0].delivered is 500, waves[0].exported 100: only exported impressions are delivered; give at most as many.")]
    [InlineData("posterior", "{" + Proportions + ",\"prior\":{\"mean\":0,\"variance\":-1}}", "prior: A prior variance of -1 is not possible; give a positive number, for example 0.09, or leave the prior out.")]
    [InlineData("sequential", "{\"n\":100,\"estimate\":40,\"standardError\":1,\"plannedTotal\":10,\"scale\":\"log-risk-ratio\"}", "A log risk ratio of 40 is not possible; give the natural logarithm of the ratio, between -30 and 30.")]
    [InlineData("proportion", "{\"n\":3,\"conversions\":1,\"alternative\":\"bigger\"}", "alternative is \"bigger\"; give one of: two-sided, greater, less.")]
    [InlineData("lift", "{\"control\":{\"n\":3,\"conversions\":4},\"treatment\":{\"n\":3,\"conversions\":1}}", "control: 4 conversions among 3 customers are impossible; conversions must lie between 0 and the number of customers.")]
    [InlineData("lift", "{\"control\":{\"n\":3,\"conversions\":1},\"treatment\":{\"n\":0,\"conversions\":0}}", "treatment.n is 0; give a whole number from 1 to 2^53.")]
    [InlineData("lift", "{\"control\":{\"n\":3,\"conversions\":1},\"treatment\":{\"n\":3,\"sum\":1,\"sumSquares\":1}}", "control and treatment are of different kinds; give both conversions, both sums or both numerators.")]
    [InlineData("lift", "{\"control\":{\"n\":3},\"treatment\":{\"n\":3,\"sum\":1,\"sumSquares\":1}}", "control must have exactly one of conversions (a proportion), sum (a mean) and numerator (a ratio).")]
    [InlineData("lift", "{\"control\":{\"n\":10,\"sum\":10,\"sumSquares\":9},\"treatment\":{\"n\":3,\"sum\":1,\"sumSquares\":1}}", "control: Sum 10 and sum of squares 9 of 10 customers give a negative variance; the sum of squares is at least sum²/n = 10.")]
    [InlineData("lift", "{" + Means + ",\"pooled\":true}", "pooled and continuity belong to the method log-risk-ratio, not to delta; leave them out.")]
    [InlineData("lift", "{\"control\":{\"n\":3,\"sum\":1e999,\"sumSquares\":9},\"treatment\":{\"n\":3,\"sum\":1,\"sumSquares\":1}}", "control.sum is 1e999, more than a double can hold; give a finite number.")]
    [InlineData("adjust", "{\"p\":[0.1,1.5]}", "p-value 2 is 1.5; give numbers from 0 to 1.")]
    [InlineData("post-stratify", "{\"strata\":[]}", "There are no strata; give at least one with a control and a treatment.")]
    [InlineData("test", "{\"control\":{\"n\":1000000,\"conversions\":1},\"treatment\":{\"n\":10,\"conversions\":1},\"method\":\"barnard\"}", "A group of 1000000 customers is too large for this exact test; it takes up to 100000 a group: take fisher or pearson.")]
    public async Task What_is_impossible_is_refused_with_one_sentence(string name, string input, string sentence)
    {
        var ran = await Run(input, name);

        (ran.ExitCode, ran.Output, ran.Error.TrimEnd()).ShouldBe((ExitCode.WrongInput, "", sentence));
    }

    [Fact]
    public async Task What_another_kind_of_arm_has_is_let_pass_inside_an_arm()
    {
        var pre = Proportions.Replace("\"conversions\":50", "\"conversions\":50,\"pre\":7,\"preSquares\":9,\"cross\":8", StringComparison.Ordinal);

        (await Answer("lift", "{" + pre + "}")).GetRawText().ShouldBe((await Answer("lift", "{" + Proportions + "}")).GetRawText());
    }

    [Fact]
    public async Task An_answer_that_would_hold_no_number_is_a_failure_and_says_so()
    {
        var ran = await Run("""{"control":{"n":100,"sum":1e-300,"sumSquares":1},"treatment":{"n":100,"sum":1e150,"sumSquares":1e300}}""", "lift");

        (ran.ExitCode, ran.Output).ShouldBe((ExitCode.Failed, ""));
        ran.Error.TrimEnd().ShouldBe("lift has no number for these values: a step of its arithmetic left what a double can hold; give them in a larger or a smaller unit.");
    }

    [Theory]
    [InlineData("difference", """{"control":{"n":100,"sum":6e-85,"sumSquares":3.5e-170},"treatment":{"n":100,"sum":7e-85,"sumSquares":3.5e-170}}""")]
    [InlineData("difference", """{"control":{"n":100,"sum":0,"sumSquares":1e308},"treatment":{"n":100,"sum":0,"sumSquares":1e308}}""")]
    [InlineData("lift", """{"control":{"n":100,"sum":6e-85,"sumSquares":3.5e-170},"treatment":{"n":100,"sum":7e-85,"sumSquares":3.5e-170}}""")]
    [InlineData("auc", """{"labels":[0,1],"scores":[1,2],"weights":[1e308,1e308]}""")]
    [InlineData("sequential-counts", "{" + Proportions + ",\"plannedConversions\":1e300}")]
    public async Task Tiny_and_huge_numbers_have_an_answer(string name, string input) => (await Answer(name, input)).GetRawText().ShouldNotContain("NaN");

    [Fact]
    public async Task A_proportions_adjusted_difference_ends_at_one()
    {
        const string arms = """{"control":{"n":100,"conversions":50,"pre":400,"preSquares":2000,"cross":230},"treatment":{"n":100,"conversions":60,"pre":410,"preSquares":2100,"cross":255},"alternative":"SIDE"}""";

        (await Answer("cuped", arms.Replace("SIDE", "less", StringComparison.Ordinal))).GetProperty("lower").GetDouble().ShouldBe(-1);
        (await Answer("cuped", arms.Replace("SIDE", "greater", StringComparison.Ordinal))).GetProperty("upper").GetDouble().ShouldBe(1);
        (await Answer("cuped", arms.Replace("SIDE", "less", StringComparison.Ordinal))).GetProperty("unadjusted").GetProperty("lower").GetDouble().ShouldBe(-1);
    }

    [Fact]
    public async Task A_treatment_without_conversions_has_a_note_about_its_interval()
    {
        var answer = await Answer("lift", """{"control":{"n":1000,"conversions":5},"treatment":{"n":1000,"conversions":0},"method":"log-risk-ratio-adjusted"}""");

        answer.GetProperty("estimate").GetDouble().ShouldBe(-1);
        answer.GetProperty("lower").GetDouble().ShouldBeGreaterThan(-1);
        answer.GetProperty("note").GetString().ShouldStartWith("The treatment has no conversions");
    }

    [Fact]
    public async Task Without_a_function_they_are_listed_and_an_unknown_one_is_refused()
    {
        var listed = await Run("");
        foreach (var function in StatsCatalogue.All)
            listed.Output.ShouldContain(function.Name);
        var document = JsonDocument.Parse((await Run("", "--list", "--json")).Output).RootElement;
        document.GetProperty("functions").GetArrayLength().ShouldBe(StatsCatalogue.All.Count);
        (await Run("", "guess")).ShouldSatisfyAllConditions(
            ran => ran.ExitCode.ShouldBe(ExitCode.WrongInput), ran => ran.Error.Trim().ShouldBe("There is no \"guess\" here: see pimm stats --help."));
    }

    private static async Task<JsonElement> Answer(string name, string input)
    {
        var (exitCode, output, error) = await Run(input, name);
        exitCode.ShouldBe(ExitCode.Done, error);
        return JsonDocument.Parse(output).RootElement;
    }

    private static async Task<(int ExitCode, string Output, string Error)> Run(string input, params string[] arguments)
    {
        var (output, error) = (new StringWriter(), new StringWriter());
        var exitCode = await CommandLineHost.RunAsync(["stats", .. arguments], [StatsCommand.Create(new StringReader(input))], output, error);
        return (exitCode, output.ToString(), error.ToString());
    }
}
