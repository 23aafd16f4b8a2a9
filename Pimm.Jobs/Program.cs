using Pimm.Jobs.CommandLine;

// Every verb has a file of its own in CommandLine/; a new one is a line here.
return await CommandLineHost.RunAsync(args,
[
    DemoCommand.Create(),
    TrainCommand.Create(),
    CompareCommand.Create(),
    ScoreCommand.Create(),
    SimulateCommand.Create(),
    StatsCommand.Create(),
    ConvertCommand.Create(),
    ImportCommand.Create(),
    .. CampaignStageCommands.Create(),
    WavesCommand.Create(),
    CampaignsCommand.Create(),
    ModelsCommand.Create(),
    RunsCommand.Create(),
    WorkCommand.Create(),
    UsersCommand.Create(),
    MigrateCommand.Create(),
    DoctorCommand.Create(),
    TrainRowsCommand.Create(),
    TrainCellsCommand.Create(),
]);
