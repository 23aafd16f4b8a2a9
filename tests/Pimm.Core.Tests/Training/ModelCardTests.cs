using System.Text.Json;
using System.Text.RegularExpressions;
using Pimm.Core.Tests.Torch;
using Pimm.Core.Training;
using Pimm.Testing;
using Shouldly;
using Xunit;

namespace Pimm.Core.Tests.Training;

[Collection(TorchCollection.Name)]
public sealed partial class ModelCardTests
{
    [Fact]
    public void A_card_says_what_it_was_made_of_and_what_it_is_worth()
    {
        using var toy = new ToyFunnel(4000);

        ModelCard.Write(toy.Train(Short()), "toy.csv", toy.At("card.md")).Select(Path.GetFileName)
            .ShouldBe(["card.md", "card.json", "card-calibration-1.svg", "card-calibration-2.svg"]);

        VerifiedFile.ShouldMatch(Steady(File.ReadAllText(toy.At("card.md"))), "ModelCard.verified.md");
        VerifiedFile.ShouldMatch(File.ReadAllText(toy.At("card-calibration-1.svg")), "ModelCardCalibration.verified.svg");
    }

    [Fact]
    public void Its_JSON_holds_the_same()
    {
        using var toy = new ToyFunnel(4000);
        var model = toy.Train(Short());

        var card = JsonDocument.Parse(ModelCard.Of(model, "toy.csv", "card").Json).RootElement;

        card.EnumerateObject().Select(property => property.Name).ShouldBe(["trainedOn", "features", "model", "charts"]);
        var shop = card.GetProperty("features")[0];
        (shop.GetProperty("name").GetString(), shop.GetProperty("kind").GetString(), shop.GetProperty("categories").GetInt32()).ShouldBe(("shop", "categorical", 2));
        var data = card.GetProperty("model").GetProperty("data");
        data.GetProperty("snapshotSha256").GetString().ShouldBe(toy.Data.Sha256);
        data.GetProperty("parts").EnumerateArray().Sum(part => part.GetProperty("rows").GetInt64()).ShouldBe(toy.Data.Rows);
        card.GetProperty("model").GetProperty("slices").GetArrayLength().ShouldBe(9);
        card.GetProperty("model").GetProperty("environment").GetProperty("libtorch").GetString()!.ShouldMatch(@"^\d+\.\d+");
        card.GetProperty("charts")[1].GetProperty("file").GetString().ShouldBe("card-calibration-2.svg");
    }

    [Fact]
    public void An_older_model_has_a_card_of_what_it_knows_and_names_cannot_break_it()
    {
        using var toy = new ToyFunnel(1200);
        var model = toy.Train(Short());
        var older = model.Description with { Calibrators = null, Curves = null, Slices = null, Data = null, Environment = null };

        var card = ModelCard.Of(model with { Description = older }, "a.csv", "card");

        card.Markdown.ShouldContain("| click | ");
        card.Markdown.ShouldNotContain("## Slices");
        card.Markdown.ShouldNotContain("## Calibration");
        card.Charts.ShouldBeEmpty();
        var odd = model.Description with { Test = [.. model.Description.Test.Select(task => task with { Name = "_a|b_c\n<b>" })] };
        ModelCard.Of(model with { Description = odd }, "a.csv", "card").Markdown.ShouldContain(@"| \_a\|b_c \<b\> | ");
    }

    [Fact]
    public void A_page_that_would_be_its_own_JSON_or_has_no_folder_is_refused()
    {
        Should.Throw<InputException>(() => ModelCard.RefuseUnwritable("card.json")).Message.ShouldContain("must end in .md");
        Should.Throw<InputException>(() => ModelCard.RefuseUnwritable("card")).Message.ShouldContain("must end in .md");
        Should.Throw<InputException>(() => ModelCard.RefuseUnwritable(Path.Combine(Path.GetTempPath(), "no such folder", "card.md"))).Message.ShouldContain("make ");
    }

    private static TrainingRequest Short() => ToyFunnel.Request() with { Options = ToyFunnel.Request().Options with { Epochs = 2 } };

    /// <summary>Without what differs from run to run and from machine to machine.</summary>
    private static string Steady(string card) => Place().Replace(Hash().Replace(Pace().Replace(card, "T s (N samples/s), code V."), "HASH"), "## Environment\n\nPLACE\n");

    [GeneratedRegex(@"[\d.]+ s \([\d,]+ samples/s\), code [^\n]+\.")]
    private static partial Regex Pace();

    [GeneratedRegex("[0-9a-f]{64}")]
    private static partial Regex Hash();

    [GeneratedRegex(@"## Environment\n\n\S[^\n]* processors, \.NET [^\n]*, libtorch [^\n]* threads, [^\n]+\.\n")]
    private static partial Regex Place();
}
