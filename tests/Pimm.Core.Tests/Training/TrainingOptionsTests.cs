using Pimm.Core.Training;
using Shouldly;
using Xunit;

namespace Pimm.Core.Tests.Training;

public class TrainingOptionsTests
{
    [Fact]
    public void Takes_its_own_settings_and_leaves_the_network_its()
    {
        var settings = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase) { ["Patience"] = "4", ["stopOn"] = "auc", ["embedding"] = "5" };

        var options = new TrainingOptions().Taking(settings);

        options.Patience.ShouldBe(4);
        options.StopOn.ShouldBe(StoppingMeasure.Auc);
        settings.Keys.ShouldBe(["embedding"]);
    }

    [Theory]
    [InlineData("patience", "0", "The patience 0 is out of bounds; it must be 1 to 1,000 epochs.")]
    [InlineData("patience", "soon", "The setting patience=soon cannot be used; it must be a whole number.")]
    [InlineData("stopOn", "accuracy", "The setting stopOn=accuracy cannot be used; it must be logLoss or auc.")]
    public void Refuses_settings_out_of_bounds(string key, string value, string sentence) =>
        Should.Throw<InputException>(() => new TrainingOptions().Taking(new Dictionary<string, string> { [key] = value })).Message.ShouldContain(sentence);

    [Fact]
    public void Refuses_options_out_of_bounds()
    {
        Should.Throw<InputException>(() => new TrainingOptions { Batch = 0 }.Validated()).Message.ShouldBe("The batch 0 is out of bounds; it must be 1 to 1,000,000 rows.");
        Should.Throw<InputException>(() => new TrainingOptions { LearningRate = double.NaN }.Validated()).Message.ShouldContain("above 0 and at most 1");
        Should.Throw<InputException>(() => new TrainingOptions { Epochs = 0 }.Validated()).Message.ShouldContain("1 to 10,000");
        Should.Throw<InputException>(() => new TrainingOptions { Threads = 0 }.Validated()).Message.ShouldContain("1 to 1,024");
    }

    [Theory]
    [InlineData(1_000, 256)]
    [InlineData(65_000, 320)]
    [InlineData(42_300_000, 2000)]
    public void Batches_are_smaller_on_small_data(long rows, int batch)
    {
        new TrainingOptions().BatchFor(rows).ShouldBe(batch);
        new TrainingOptions { Batch = 77 }.BatchFor(rows).ShouldBe(77);
    }
}
